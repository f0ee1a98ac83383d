"""Players and ball of the synthetic futsal world, and how they move.

A place or velocity on the court floor is a complex number, x + iy in metres: x along the court (-20 to 20), y
across it (-10 to 10, positive away from the camera). Only + - * / and sqrt are used, which every processor
rounds alike, and places and velocities are rounded at each step: the same seed gives the same match anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import sqrt

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

    def reach_out(self, ball: Ball, fps: int) -> None:
        """Bring a foot forward for the ball that is about to arrive."""
        gap = length(ball.pos - self.pos) - REACH
        if gap < length(ball.vel - self.vel) * SPAN[Action.TOUCH][0]:
            self.touch(ball.pos)
            self.begin(fps, Action.TOUCH)

    def advance(self, fps: int) -> None:
        """Let a frame go by; an action ends when its span is over."""
        self.count += 1
        if self.action in SPAN and self.count > frames_of(SPAN[self.action][1], fps):
            self.action = Action.NONE

    def move(self, dt: float) -> None:
        """One step of a body that can neither start, stop nor turn at once."""
        gap = self.target - self.pos
        distance = length(gap)
        if self.exact:
            wish = limited(gap * 6.0, self.pace)
        else:  # nobody shuffles about for the last half metre
            wish = unit(gap) * min(self.pace, 2.2 * max(0.0, distance - 0.4))
        strength = 8.0 if self.driving else 6.5 if self.exact else 5.0
        if dot(wish - self.vel, self.vel) < 0:
            strength += 2.0  # m/s^2: braking is easier than starting
        self.vel = rounded(self.vel + limited(wish - self.vel, strength * dt))
        self.pos = rounded(self.pos + self.vel * dt)
        turn = unit(self.look)
        if dot(turn, self.face) < -0.7:  # a half turn goes round one side
            turn = left_of(self.face) if dot(turn, left_of(self.face)) >= 0 else -left_of(self.face)
        rate = 9.0 if self.exact else 6.0
        self.face = rounded(unit(self.face + turn * (rate * dt)))
        speed = length(self.vel)
        if speed > 0.25:
            way = 1 if dot(self.vel, self.face) > -0.3 * speed else -1  # backwards the legs turn back
            self.phase = round((self.phase + way * (0.75 + 0.2 * speed) * dt) % 1.0, 6)


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

    def roll(self, dt: float) -> None:
        """One step of the free ball: flight, bounce, skid, roll, boards and nets."""
        if self.z > 0 or self.vz > 0:
            self.vz = round(self.vz - GRAVITY * dt, 6)
            self.z = round(self.z + self.vz * dt, 6)
            if self.z <= 0:  # a futsal ball is made to bounce little
                self.z, self.vz = 0.0, round(-0.45 * self.vz, 6) if self.vz < -1.2 else 0.0
                self.vel = self.vel * 0.85
        else:
            speed = length(self.vel)
            loss = (SLIDING if speed > self.grip else ROLLING) * dt
            self.vel = self.vel * ((speed - loss) / speed) if speed > loss else 0j
        before, self.pos = self.pos, self.pos + self.vel * dt
        x, y, vx, vy = self.pos.real, self.pos.imag, self.vel.real, self.vel.imag
        if abs(x) > HALF_LENGTH and abs(before.imag) < GOAL_HALF and self.z < GOAL_HEIGHT:
            end = HALF_LENGTH + GOAL_DEPTH - 0.15
            if abs(x) > end or abs(y) > GOAL_HALF - 0.1:
                x, y = min(max(x, -end), end), min(max(y, 0.1 - GOAL_HALF), GOAL_HALF - 0.1)
                vx, vy = -0.1 * vx, 0.3 * vy
        elif abs(x) > BOARD_X:
            x, vx = (BOARD_X if x > 0 else -BOARD_X), -0.5 * vx
        if abs(y) > BOARD_Y:
            y, vy = (BOARD_Y if y > 0 else -BOARD_Y), -0.5 * vy
        self.pos, self.vel = rounded(complex(x, y)), rounded(complex(vx, vy))

    @property
    def out_of_play(self) -> bool:
        return abs(self.pos.real) > HALF_LENGTH + 0.1 or abs(self.pos.imag) > HALF_WIDTH + 0.1

    @property
    def in_goal(self) -> bool:
        return abs(self.pos.real) > HALF_LENGTH and abs(self.pos.imag) < GOAL_HALF and self.z < GOAL_HEIGHT

    def carry(self, keeper: Player, fps: int) -> None:
        """Be carried before a keeper's chest, or down to the floor on the way to a roll-out."""
        height = 1.0
        if keeper.action is Action.ROLL:
            height = 0.15 - 0.85 * keeper.count / frames_of(SPAN[Action.ROLL][0], fps)
        self.pos = rounded(keeper.pos + keeper.face * 0.35 - left_of(keeper.face) * (0.12 * keeper.foot))
        self.vel, self.z, self.vz = keeper.vel, round(height, 6), 0.0

    def meeting_point(self, player: Player) -> Point:
        """Where a player running at 5 m/s first gets to it."""
        speed, ahead = length(self.vel), unit(self.vel)
        point = self.pos
        for tenths in range(1, 20):
            t = 0.1 * tenths
            stop = min(t, speed / 2.0)  # 2 m/s^2: between skidding and rolling
            point = self.pos + ahead * (speed * stop - stop * stop)
            if length(point - player.pos) < 0.3 + 5.0 * (t - 0.1):
                break
        return complex(min(max(point.real, -BOARD_X), BOARD_X), min(max(point.imag, -BOARD_Y), BOARD_Y))


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


def keep_apart(players: list[Player]) -> None:
    """Bodies do not pass through each other."""
    for i, one in enumerate(players):
        for other in players[:i]:
            gap = one.pos - other.pos
            if abs(gap.real) < 0.7 and abs(gap.imag) < 0.7 and (distance := length(gap)) < 0.7:
                push = unit(gap) * (0.15 * (0.7 - distance))
                one.pos, other.pos = rounded(one.pos + push), rounded(other.pos - push)
