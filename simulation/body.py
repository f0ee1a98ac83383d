"""Bodies of the synthetic futsal players: joints from a frame's state, and figures drawn from joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from simulation.agents import Action
from simulation.hall import SHIFT, UNIT, Colour, shaded
from simulation.sim import FrameState

THIGH, SHIN, ANKLE, TRUNK = 0.45, 0.46, 0.08, 0.50  # m
UPPER_ARM, FOREARM, HEAD = 0.30, 0.27, 0.135  # m; HEAD is a radius, hair and all
HIP_SIDE, SHOULDER_SIDE = 0.10, 0.20  # m from the spine

# Rows of a pose: (left, right) for limbs.
HIP, KNEE, FOOT, TOE, SHOULDER, ELBOW, HAND = (slice(2 * i, 2 * i + 2) for i in range(7))
PELVIS, CHEST, NECK, FACE = 14, 15, 16, 17
JOINTS = 18
UP, SIDES = np.array([0.0, 0.0, 1.0]), np.array([[[-1.0], [1.0]]])  # left, right

# The acting leg: seconds from the contact, angle of the thigh (forward positive), bend of the knee, radians.
KICKS = {
    Action.PASS: ([-0.24, -0.17, -0.08, 0.0, 0.06, 0.14, 0.28],
                  [0.0, -0.45, -0.80, 0.25, 0.95, 1.00, 0.0],
                  [0.15, 0.80, 1.35, 0.15, 0.05, 0.15, 0.15]),
    Action.SHOT: ([-0.36, -0.24, -0.10, 0.0, 0.07, 0.18, 0.36],
                  [0.0, -0.70, -1.15, 0.30, 1.25, 1.30, 0.0],
                  [0.15, 1.10, 1.75, 0.15, 0.05, 0.25, 0.15]),
    Action.PUSH: ([-0.13, -0.06, 0.0, 0.07, 0.16],
                  [0.1, -0.45, 0.55, 0.75, 0.2],
                  [0.3, 0.80, 0.25, 0.20, 0.5]),
    Action.LUNGE: ([-0.24, 0.0, 0.12, 0.30],
                   [0.2, 1.05, 1.00, 0.1],
                   [0.6, 0.05, 0.15, 0.2]),
}


@dataclass(frozen=True)
class Kit:
    """Colours as BGR."""

    shirt: Colour
    trim: Colour
    shorts: Colour
    socks: Colour
    shoes: Colour


@dataclass(frozen=True)
class Looks:
    skin: Colour
    hair: Colour


def doing(state: FrameState, *actions: Action) -> np.ndarray:
    """Which players are at one of these actions, bool (10,); np.isin is slow on so few."""
    found = state.action == int(actions[0])
    for action in actions[1:]:
        found |= state.action == int(action)
    return found


def _bell(t: float, before: float, after: float) -> float:
    """1 at the contact, falling to 0 `before` and `after` seconds from it."""
    x = -t / before if t < 0 else t / after
    return max(0.0, 1 - x * x) if x < 1 else 0.0


def _legs(state: FrameState, speed: np.ndarray, gait: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thigh angle, knee bend and weight of a kick, each (10, 2)."""
    phase = 2 * np.pi * (state.phase[:, None] + np.array([0.0, 0.5]))
    swing = gait * np.minimum(0.20 + 0.13 * speed, 0.95)
    thigh = swing[:, None] * np.sin(phase) + 0.10 * gait[:, None]
    lift = gait * np.minimum(0.35 + 0.26 * speed, 1.75)
    knee = 0.16 + lift[:, None] * np.maximum(0, np.cos(phase + 0.35))
    kick = np.zeros((10, 2))
    for i in np.flatnonzero(doing(state, *KICKS)):
        times, angles, bends = KICKS[Action(int(state.action[i]))]
        t, side = state.since[i], int(state.foot[i] > 0)
        weight = min(1.0, (t - times[0]) / 0.06, (times[-1] - t) / 0.08)
        if weight <= 0:
            continue
        thigh[i, side] += weight * (np.interp(t, times, angles) - thigh[i, side])
        knee[i, side] += weight * (np.interp(t, times, bends) - knee[i, side])
        kick[i, side] = weight
        if state.action[i] != Action.PUSH:  # planted; a dribbler's other leg keeps running
            thigh[i, 1 - side] += weight * (-0.05 - thigh[i, 1 - side])
            knee[i, 1 - side] += weight * (0.30 - knee[i, 1 - side])
    return thigh, knee, kick


# The acting foot is drawn to the ball: seconds before and after the contact, metres above the ball's middle.
TO_BALL = {
    Action.PASS: (0.05, 0.03, 0.0),
    Action.SHOT: (0.05, 0.03, 0.0),
    Action.PUSH: (0.07, 0.04, 0.0),
    Action.LUNGE: (0.06, 0.10, 0.0),
    Action.TOUCH: (0.16, 0.16, 0.04),
}
SOLE = 0.22  # m from the ball's middle to the ankle of a foot that rests on it


def _feet_to_ball(state: FrameState, foot: np.ndarray, front: np.ndarray) -> None:
    """Move the feet (10, 2, 3) that touch the ball on to it."""
    for i in np.flatnonzero(state.action):
        action, t, side = Action(int(state.action[i])), float(state.since[i]), int(state.foot[i] > 0)
        if action is Action.HOLD:
            weight, above = min(1.0, max(0.0, t / 0.2)), SOLE
        elif action in TO_BALL:
            before, after, above = TO_BALL[action]
            weight = _bell(t, before, after)
        else:
            continue
        goal = state.ball + (0, 0, above) - (0.10 * front[i] if above < 0.1 else 0)
        foot[i, side] += weight * (goal - foot[i, side])


def pose(state: FrameState, lean: np.ndarray) -> np.ndarray:
    """Joints of all players.

    Args:
        state: the frame.
        lean: (10, 2) tilt of the trunk over the floor, radians.

    Returns:
        (10, JOINTS, 3) metres; rows by HIP ... NECK.
    """
    joints = np.zeros((10, JOINTS, 3))
    zero = np.zeros(10)
    front = np.column_stack([state.face, zero])
    right = np.column_stack([state.face[:, 1], -state.face[:, 0], zero])
    speed = np.sqrt((state.vel**2).sum(1))
    gait = np.clip((speed - 0.2) / 0.7, 0, 1)
    forward = (state.vel * state.face).sum(1)
    way = state.vel / np.maximum(speed, 1e-6)[:, None] * np.where(forward > -0.3 * speed, 1.0, -1.0)[:, None]
    thigh, knee, kick = _legs(state, speed, gait)

    # the plane in which the legs swing: along the way when moving, along the face when kicking
    moving = (gait[:, None] * (1 - kick))[..., None]
    along = np.concatenate([way, zero[:, None]], 1)[:, None] * moving + front[:, None] * (1 - moving)
    foot = THIGH * _hanging(along, thigh)
    foot += SHIN * _hanging(along, thigh - knee)
    foot += right[:, None] * SIDES * 0.03
    stance = np.where(kick > 0.5, 0.0, -foot[..., 2]).max(1)
    running = np.clip((speed - 1.5) / 3, 0, 1)
    bounce = 0.03 * running * np.cos(4 * np.pi * state.phase)
    height = stance + (THIGH + SHIN - 0.06 + bounce - stance) * running + ANKLE
    pelvis = np.column_stack([state.pos, height])
    pelvis[:, :2] -= 0.35 * lean * TRUNK  # the hips go back as the chest goes forward
    hip = pelvis[:, None] + right[:, None] * SIDES * HIP_SIDE
    foot += hip
    foot[..., 2] = np.maximum(foot[..., 2], ANKLE)
    _feet_to_ball(state, foot, front)
    joints[:, HIP], joints[:, PELVIS] = hip, pelvis
    joints[:, KNEE], joints[:, FOOT] = _two_bones(hip, foot, front[:, None], THIGH, SHIN)
    shin = joints[:, FOOT] - joints[:, KNEE]
    sole = 0.19 * front[:, None] * (0.35 - shin[..., 2:] * 1.3)  # flat when the shin stands upright
    joints[:, TOE] = joints[:, FOOT] + sole + 0.12 * shin - 0.02 * UP
    joints[:, TOE, 2] = np.maximum(joints[:, TOE, 2], 0.03)
    _upper_body(joints, state, lean, front, right, speed, gait)
    return joints


def _hanging(ahead: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """The directions (10, 2, 3) of limbs that hang down, swung by angles (10, 2) in radians towards `ahead`."""
    return ahead * np.sin(angle)[..., None] - UP * np.cos(angle)[..., None]


def _two_bones(
    start: np.ndarray, end: np.ndarray, bend: np.ndarray, first: float, second: float
) -> tuple[np.ndarray, np.ndarray]:
    """The joint of two bones from `start` to `end` that bends towards `bend`, and the end within reach."""
    gap = end - start
    distance = np.maximum(np.sqrt((gap**2).sum(-1, keepdims=True)), 1e-6)
    reach = np.minimum(distance, 0.999 * (first + second))
    gap = gap / distance
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    out = bend - gap * (bend * gap).sum(-1, keepdims=True)
    out = out / np.maximum(np.sqrt((out**2).sum(-1, keepdims=True)), 1e-6)
    middle = start + gap * along + out * np.sqrt(np.maximum(first**2 - along**2, 0))
    return middle, start + gap * reach


def _upper_body(
    joints: np.ndarray, state: FrameState, lean: np.ndarray, front: np.ndarray, right: np.ndarray,
    speed: np.ndarray, gait: np.ndarray,
) -> None:
    phase = 2 * np.pi * state.phase
    twist = 0.30 * gait * np.sin(phase)
    spread = np.full((10, 2), 0.18)
    driving = state.driving
    for i in np.flatnonzero(doing(state, Action.PASS, Action.SHOT)):
        t, side = state.since[i], int(state.foot[i] > 0)
        twist[i] += state.foot[i] * np.interp(t, [-0.24, -0.08, 0.10, 0.28], [0, 0.6, -0.6, 0])
        spread[i, 1 - side] += np.interp(t, [-0.24, -0.08, 0.12, 0.28], [0, 1.1, 0.7, 0])
        spread[i, side] += np.interp(t, [-0.24, -0.05, 0.12, 0.28], [0, 0.4, 0.5, 0])
    tilt = np.sqrt((lean**2).sum(1))
    over = np.column_stack([lean / np.maximum(tilt, 1e-6)[:, None], np.zeros(10)])
    spine = UP * np.cos(tilt)[:, None] + over * np.sin(tilt)[:, None]
    chest = joints[:, PELVIS] + TRUNK * spine
    across = right * np.cos(twist)[:, None] + front * np.sin(twist)[:, None]
    ahead = front * np.cos(twist)[:, None] - right * np.sin(twist)[:, None]
    shoulder = chest[:, None] + across[:, None] * SIDES * SHOULDER_SIDE - 0.03 * UP
    pump = gait * np.minimum(0.2 + 0.13 * speed, 0.9) * np.where(driving, 1.3, 1.0)
    arm = pump[:, None] * -np.sin(phase[:, None] + np.array([0.0, np.pi]))
    elbow_bend = 0.25 + (gait * np.minimum(0.3 * speed, 1.35))[:, None]
    hang = np.cos(spread)[..., None]
    out = across[:, None] * SIDES * np.sin(spread)[..., None]
    elbow = shoulder + UPPER_ARM * (_hanging(ahead[:, None], arm) * hang + out)
    hand = elbow + FOREARM * (_hanging(ahead[:, None], arm + elbow_bend) * hang + out)
    for i in np.flatnonzero(doing(state, Action.HANDS, Action.ROLL, Action.DIVE)):
        if state.since[i] > 0.02 and state.action[i] != Action.HANDS:
            continue
        goal = state.ball + right[i] * np.array([[-0.12], [0.12]])
        elbow[i], hand[i] = _two_bones(shoulder[i], goal, -UP + 0 * goal, UPPER_ARM, FOREARM)
    down = np.where(driving, 0.13, np.where(doing(state, Action.NONE), 0.03, 0.09))
    joints[:, CHEST] = chest
    joints[:, SHOULDER], joints[:, ELBOW], joints[:, HAND] = shoulder, elbow, hand
    bow = front * down[:, None] - 0.25 * down[:, None] * UP
    joints[:, NECK] = chest + 0.20 * (0.6 * spine + 0.4 * UP) + bow
    joints[:, FACE] = joints[:, NECK] + front * 0.5 * HEAD - (down * 0.5)[:, None] * UP


def draw_figure(
    image: np.ndarray, points: np.ndarray, scale: float, near: int, facing: bool, kit: Kit, looks: Looks
) -> None:
    """Draw one player.

    Args:
        image: uint8 (H, W, 3), drawn on.
        points: (JOINTS, 2) pixels.
        scale: pixels to a metre.
        near: 0 or 1, the side (left, right) turned to the camera.
        facing: whether the face is turned to the camera.
        kit, looks: colours.
    """
    p = (points * UNIT + 0.5).astype(np.int64).tolist()

    def bone(a: int, b: int, width: float, colour: tuple) -> None:
        cv2.line(image, p[a], p[b], colour, max(1, int(width * scale + 0.5)), cv2.LINE_AA, SHIFT)

    def arm(side: int, shade: float) -> None:
        bone(SHOULDER.start + side, ELBOW.start + side, 0.115, shaded(kit.shirt, shade))
        bone(ELBOW.start + side, HAND.start + side, 0.085, shaded(looks.skin, shade))

    def leg(side: int, shade: float) -> None:
        hip, knee, foot, toe = (part.start + side for part in (HIP, KNEE, FOOT, TOE))
        bone(hip, knee, 0.15, shaded(looks.skin, shade))
        bone(knee, foot, 0.12, shaded(kit.socks, shade))
        bone(foot, toe, 0.10, shaded(kit.shoes, shade))
        middle = [int(0.4 * a + 0.6 * b) for a, b in zip(p[hip], p[knee], strict=True)]
        cv2.line(image, p[hip], middle, shaded(kit.shorts, shade), max(1, int(0.20 * scale + 0.5)),
                 cv2.LINE_AA, SHIFT)

    far = 1 - near
    arm(far, 0.78)
    leg(far, 0.75)
    leg(near, 1.0)
    left, right = points[SHOULDER]
    spine = points[CHEST] - points[PELVIS]
    broad = max(abs(right[0] - left[0]), 0.25 * scale) / 2  # seen from the side a chest has depth too
    side = np.array([-spine[1], spine[0]]) / max(np.hypot(*spine), 1e-6)
    top, bottom = points[CHEST] - 0.05 * spine, points[PELVIS] - 0.06 * spine
    trunk = np.array([top - side * broad, top + side * broad, bottom + side * broad * 0.8,
                      bottom - side * broad * 0.8])
    cv2.polylines(image, [(trunk * UNIT).astype(np.int32)], True, kit.shirt,
                  max(1, int(0.07 * scale)), cv2.LINE_AA, SHIFT)
    cv2.fillConvexPoly(image, (trunk * UNIT).astype(np.int32), kit.shirt, cv2.LINE_AA, SHIFT)
    number = [((points[PELVIS] + spine * z) * UNIT).astype(int).tolist() for z in (0.56, 0.70)]
    cv2.line(image, *number, kit.trim, max(1, int(0.13 * scale)), cv2.LINE_AA, SHIFT)
    arm(near, 1.0)
    bone(CHEST, NECK, 0.12, shaded(looks.skin, 0.8))
    radius = int(HEAD * scale * UNIT)
    head = [(NECK, radius, looks.hair), (FACE, int(0.74 * radius), looks.skin)]
    for joint, size, colour in head if facing else reversed(head):
        cv2.circle(image, p[joint], size, colour, -1, cv2.LINE_AA, SHIFT)
