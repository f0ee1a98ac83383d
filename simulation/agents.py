"""Players and ball of the synthetic futsal world, and how they move.

A place or velocity on the court floor is a complex number, x + iy in metres: x along the court (-20 to 20), y
across it (-10 to 10, positive away from the camera). Only + - * / and sqrt are used, which every processor
rounds alike, and places and velocities are rounded at each step: the same seed gives the same match anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import sqrt

import numpy as np

HALF_LENGTH, HALF_WIDTH = 20.0, 10.0  # m, from the centre spot
BOARD_X, BOARD_Y = 22.0, 11.4  # m, the boards behind goal lines and touchlines
GOAL_HALF, GOAL_HEIGHT, GOAL_DEPTH = 1.5, 2.0, 1.0  # m
REACH = 0.55  # m from the middle of the body at which a foot meets the ball
GRAVITY = 9.81  # m/s^2
SLIDING, ROLLING = 3.2, 0.7  # m/s^2 lost by a ball that skids after a strike, and by one that rolls
GRIP = 0.6  # of the speed of the strike is left when a hollow ball stops skidding and rolls

Point = complex


class Action(IntEnum):
    """What a player's body is doing besides standing, walking and running."""

    NONE = 0
    HOLD = 1  # sole on the ball
    TOUCH = 2  # receiving, tapping, blocking
    PASS = 3
    SHOT = 4
    PUSH = 5  # a dribbler knocks the ball on
    LUNGE = 6  # tackle
    HANDS = 7  # a keeper with the ball in his hands
    ROLL = 8  # a keeper's roll-out
    DIVE = 9


# Seconds (before, after) the contact over which the action shows.
SPAN = {
    Action.TOUCH: (0.16, 0.20),
    Action.PASS: (0.24, 0.28),
    Action.SHOT: (0.36, 0.36),
    Action.PUSH: (0.13, 0.16),
    Action.LUNGE: (0.24, 0.30),
    Action.ROLL: (0.40, 0.30),
    Action.DIVE: (0.10, 0.60),
}


@dataclass
class Player:
    """A player; `team` 0 or 1, `role` 0 keeper, 1 last man, 2 and 3 the wings, 4 pivot."""

    team: int
    role: int
    pos: Point
    face: Point  # unit vector: where chest and eyes point
    vel: Point = 0j
    target: Point = 0j  # where he wants to be
    look: Point = 1 + 0j  # where he wants to face
    pace: float = 3.0  # m/s he is willing to run
    exact: bool = False  # stands on the spot to the centimetre: the man with the ball
    action: Action = Action.NONE
    count: int = 0  # frames since the action's contact, negative before it
    foot: int = 1  # 1 right, -1 left: the foot that acts
    driving: bool = False
    phase: float = 0.0  # of the stride, 0 to 1
    wander: Point = 0j  # away from his place in the formation
    wander_until: int = 0

    def begin(self, fps: int, action: Action) -> None:
        """Start an action whose contact comes after its lead."""
        self.action, self.count = action, -frames_of(SPAN[action][0], fps)

    def touch(self, ball: Point, action: Action = Action.TOUCH) -> None:
        """Meet the ball on this frame, with the foot nearer to it."""
        self.action, self.count = action, 0
        self.foot = 1 if dot(ball - self.pos, left_of(self.face)) < 0 else -1

    def advance(self, fps: int) -> None:
        """Let a frame go by; an action ends when its span is over."""
        self.count += 1
        if self.action in SPAN and self.count > frames_of(SPAN[self.action][1], fps):
            self.action = Action.NONE


@dataclass
class Ball:
    """The ball; z and vz are its height in m and its speed upwards in m/s."""

    pos: Point = 0j
    vel: Point = 0j
    z: float = 0.0
    vz: float = 0.0
    grip: float = 0.0  # m/s below which it rolls and no longer skids

    def strike(self, vel: Point, vz: float = 0.0) -> None:
        """Leave a foot (or a hand, a leg) at `vel` m/s."""
        self.vel, self.vz, self.grip = vel, vz, GRIP * length(vel)


def frames_of(seconds: float, fps: int) -> int:
    return int(seconds * fps + 0.5)


def length(v: Point) -> float:
    return sqrt(v.real * v.real + v.imag * v.imag)


def dot(a: Point, b: Point) -> float:
    return a.real * b.real + a.imag * b.imag


def unit(v: Point) -> Point:
    """The direction of `v`; 1 where it has none."""
    size = length(v)
    return v / size if size > 1e-6 else 1 + 0j


def left_of(v: Point) -> Point:
    return complex(-v.imag, v.real)


def limited(v: Point, limit: float) -> Point:
    size = length(v)
    return v * (limit / size) if size > limit else v


def inside(p: Point, margin: float = 0.6) -> Point:
    """The nearest place at least `margin` metres inside the lines."""
    x, y = HALF_LENGTH - margin, HALF_WIDTH - margin
    return complex(min(max(p.real, -x), x), min(max(p.imag, -y), y))


def rounded(v: Point) -> Point:
    return complex(round(v.real, 6), round(v.imag, 6))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * rng.random()


def move(player: Player, dt: float) -> None:
    """One step of a body that can neither start, stop nor turn at once."""
    gap = player.target - player.pos
    distance = length(gap)
    if player.exact:
        wish = limited(gap * 6.0, player.pace)
    else:  # nobody shuffles about for the last half metre
        wish = unit(gap) * min(player.pace, 2.2 * max(0.0, distance - 0.4))
    strength = 8.0 if player.driving else 6.5 if player.exact else 5.0
    if dot(wish - player.vel, player.vel) < 0:
        strength += 2.0  # m/s^2: braking is easier than starting
    player.vel = rounded(player.vel + limited(wish - player.vel, strength * dt))
    player.pos = rounded(player.pos + player.vel * dt)
    turn = unit(player.look)
    if dot(turn, player.face) < -0.7:  # a half turn goes round one side
        turn = left_of(player.face) if dot(turn, left_of(player.face)) >= 0 else -left_of(player.face)
    rate = 9.0 if player.exact else 6.0
    player.face = rounded(unit(player.face + turn * (rate * dt)))
    speed = length(player.vel)
    if speed > 0.25:
        way = 1 if dot(player.vel, player.face) > -0.3 * speed else -1  # backwards the legs turn back
        player.phase = round((player.phase + way * (0.75 + 0.2 * speed) * dt) % 1.0, 6)


def keep_apart(players: list[Player]) -> None:
    """Bodies do not pass through each other."""
    for i, one in enumerate(players):
        for other in players[:i]:
            gap = one.pos - other.pos
            if abs(gap.real) < 0.7 and abs(gap.imag) < 0.7 and (distance := length(gap)) < 0.7:
                push = unit(gap) * (0.15 * (0.7 - distance))
                one.pos, other.pos = rounded(one.pos + push), rounded(other.pos - push)


def roll(ball: Ball, dt: float) -> None:
    """One step of the free ball: flight, bounce, skid, roll, boards and nets."""
    if ball.z > 0 or ball.vz > 0:
        ball.vz = round(ball.vz - GRAVITY * dt, 6)
        ball.z = round(ball.z + ball.vz * dt, 6)
        if ball.z <= 0:  # a futsal ball is made to bounce little
            ball.z, ball.vz = 0.0, round(-0.45 * ball.vz, 6) if ball.vz < -1.2 else 0.0
            ball.vel = ball.vel * 0.85
    else:
        speed = length(ball.vel)
        loss = (SLIDING if speed > ball.grip else ROLLING) * dt
        ball.vel = ball.vel * ((speed - loss) / speed) if speed > loss else 0j
    before, ball.pos = ball.pos, ball.pos + ball.vel * dt
    x, y, vx, vy = ball.pos.real, ball.pos.imag, ball.vel.real, ball.vel.imag
    if abs(x) > HALF_LENGTH and abs(before.imag) < GOAL_HALF and ball.z < GOAL_HEIGHT:
        end = HALF_LENGTH + GOAL_DEPTH - 0.15
        if abs(x) > end or abs(y) > GOAL_HALF - 0.1:
            x, y = min(max(x, -end), end), min(max(y, 0.1 - GOAL_HALF), GOAL_HALF - 0.1)
            vx, vy = -0.1 * vx, 0.3 * vy
    elif abs(x) > BOARD_X:
        x, vx = (BOARD_X if x > 0 else -BOARD_X), -0.5 * vx
    if abs(y) > BOARD_Y:
        y, vy = (BOARD_Y if y > 0 else -BOARD_Y), -0.5 * vy
    ball.pos, ball.vel = rounded(complex(x, y)), rounded(complex(vx, vy))


def nearest_on_way(start: Point, end: Point, place: Point) -> Point:
    """The point between `start` and `end` that is nearest to `place`."""
    ahead = unit(end - start)
    along = min(max(dot(place - start, ahead), 0.0), length(end - start))
    return rounded(start + ahead * along)


def out_of_play(ball: Ball) -> bool:
    return abs(ball.pos.real) > HALF_LENGTH + 0.1 or abs(ball.pos.imag) > HALF_WIDTH + 0.1


def in_goal(ball: Ball) -> bool:
    return abs(ball.pos.real) > HALF_LENGTH and abs(ball.pos.imag) < GOAL_HALF and ball.z < GOAL_HEIGHT


def take_in_hands(ball: Ball, keeper: Player, fps: int) -> None:
    """Carry the ball before the chest, or down to the floor on the way to a roll-out."""
    height = 1.0
    if keeper.action is Action.ROLL:
        height = 0.15 - 0.85 * keeper.count / frames_of(SPAN[Action.ROLL][0], fps)
    ball.pos = rounded(keeper.pos + keeper.face * 0.35 - left_of(keeper.face) * (0.12 * keeper.foot))
    ball.vel, ball.z, ball.vz = keeper.vel, round(height, 6), 0.0
