"""The state of a half: the players, the ball, and what the player with the ball is about."""

from __future__ import annotations

from enum import Enum, auto

import numpy as np

from simulation.agents import HALF_LENGTH, Action, Ball, Player, Point, frames_of


class Plan(Enum):
    """What the player with the ball is about."""

    HOLD = auto()
    AIM = auto()  # steps up to the ball for a pass or a shot
    SWING = auto()  # the leg is on its way
    PUSH = auto()  # about to start a drive
    DRIVE = auto()
    HANDS = auto()  # keeper only


class State:
    """What players see of a half (1 or 2) of a match, and decide by."""

    def __init__(self, half: int, fps: int, rng: np.random.Generator) -> None:
        self.rng, self.fps, self.dt = rng, fps, 1 / fps
        self.signs = (1, -1) if half == 1 else (-1, 1)  # each team's way of attack along x
        self.players: list[Player] = []  # five of each team, the keeper first
        self.ball = Ball()
        self.events: list[tuple[int, str, int]] = []  # frame, label, team
        self.score = [0, 0]
        self.frame = 0
        self.carrier: Player | None = None  # the player with the ball
        self.plan = Plan.HOLD
        self.until = self.held = 0  # frames: when the plan ends, and since when the carrier has the ball
        self.last_team = half - 1
        self.receiver: Player | None = None  # the pass is meant for him
        self.taker: Player | None = None  # he alone fetches a dead ball
        self.kicker: Player | None = None  # struck last: cannot meet his own ball at once
        self.struck = -99  # frame of the last strike
        self.contested = False  # a rival goes for this pass
        self.judged: set[int] = set()  # players who let this strike go by
        self.kind = Action.PASS
        self.spot: Point | None = None  # of the goal, when a shot is on
        self.aim: Point = 1 + 0j
        self.drift: Point = 0j  # m/s at which a holder strolls with the ball
        self.calm = True  # nobody presses: a restart or a breather
        self.wants_drive = False

    def frames(self, seconds: float) -> int:
        return frames_of(seconds, self.fps)

    def chance(self, per_second: float) -> bool:
        return self.rng.random() < per_second * self.dt

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def side(self, team: int) -> list[Player]:
        """A team's players, its keeper first."""
        return self.players[5:] if team else self.players[:5]

    def goal_of(self, team: int) -> Point:
        """The middle of the goal that a team defends."""
        return complex(-HALF_LENGTH * self.signs[team], 0)
