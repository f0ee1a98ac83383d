"""Synthetic futsal matches: who plays, the state of the world on each frame, and the events."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from simulation.world import World


@dataclass(frozen=True)
class Match:
    """Two national teams by their codes, the first attacking to the right in the first half."""

    name: str
    teams: tuple[str, str]
    fps: int


MATCHES = (
    Match("argentina_brazil", ("ARG", "BRA"), 25),
    Match("spain_portugal", ("ESP", "POR"), 30),
    Match("iran_japan", ("IRN", "JPN"), 25),
    Match("italy_kazakhstan", ("ITA", "KAZ"), 25),
    Match("morocco_egypt", ("MAR", "EGY"), 30),
    Match("colombia_paraguay", ("COL", "PAR"), 25),
    Match("thailand_vietnam", ("THA", "VIE"), 30),
)


@dataclass(frozen=True)
class Event:
    frame: int
    label: str
    team: str


@dataclass(frozen=True)
class FrameState:
    """The world on one frame, in metres and seconds; players 0-4 are the first team, 0 and 5 the keepers."""

    pos: np.ndarray  # (10, 2)
    vel: np.ndarray  # (10, 2)
    face: np.ndarray  # (10, 2) unit vectors
    phase: np.ndarray  # (10,) of the stride, 0 to 1
    action: np.ndarray  # (10,) Action
    since: np.ndarray  # (10,) s since the action's contact, negative before it
    foot: np.ndarray  # (10,) 1 right, -1 left
    driving: np.ndarray  # (10,) bool
    ball: np.ndarray  # (3,)
    ball_vel: np.ndarray  # (3,)
    carrier: int  # the player with the ball, or -1
    score: tuple[int, int]
    second: float  # since the half began


def _snapshot(world: World) -> FrameState:
    players, ball = world.players, world.ball
    return FrameState(
        pos=np.array([(p.pos.real, p.pos.imag) for p in players]),
        vel=np.array([(p.vel.real, p.vel.imag) for p in players]),
        face=np.array([(p.face.real, p.face.imag) for p in players]),
        phase=np.array([p.phase for p in players]),
        action=np.array([p.action for p in players]),
        since=np.array([p.count * world.dt for p in players]),
        foot=np.array([p.foot for p in players]),
        driving=np.array([p.driving for p in players]),
        ball=np.array((ball.pos.real, ball.pos.imag, ball.z)),
        ball_vel=np.array((ball.vel.real, ball.vel.imag, ball.vz)),
        carrier=players.index(world.carrier) if world.carrier else -1,
        score=(world.score[0], world.score[1]),
        second=world.frame * world.dt,
    )


def simulate(match: Match, half: int, num_frames: int, seed: int) -> tuple[list[FrameState], list[Event]]:
    """Play `num_frames` frames of a half (1 or 2).

    Each half of each match has random numbers of its own, and a longer half begins like a shorter one.
    """
    rng = np.random.default_rng([seed, half, zlib.crc32(match.name.encode())])
    world = World(half, match.fps, rng)
    states = []
    for _ in range(num_frames):
        world.step()
        states.append(_snapshot(world))
    return states, [Event(frame, label, match.teams[team]) for frame, label, team in world.events]
