"""The hall of a synthetic futsal match, seen by its main camera: court, goals, boards and crowd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from simulation.agents import BOARD_X, BOARD_Y, GOAL_DEPTH, GOAL_HALF, GOAL_HEIGHT, HALF_LENGTH, HALF_WIDTH

# The floor texture: pixels per metre along and across the court, and the part of the hall it covers.
ALONG, ACROSS = 32, 16
FLOOR_X, FLOOR_NEAR = 23.0, -18.0
BOARD_HEIGHT = 0.85
STAND_RISE, STAND_DEPTH, STAND_X = 6.5, 9.0, 34.0  # m
STAND_SCALE = 14  # pixels per metre
ADVERTS = ("NORTE", "VOLTA 24", "FUTSAL", "KAFFA", "ARENA", "AZUR AIR", "TIPTOP", "OMBRA", "RADIO 5", "LUMEN")
SHIRTS = ((60, 60, 190), (190, 110, 50), (210, 205, 200), (60, 160, 190), (90, 140, 70), (70, 60, 60))

# Sub-pixel places for OpenCV: four binary digits after the point.
SHIFT = 4
UNIT = 1 << SHIFT

Colour = tuple[int, int, int]  # BGR


@dataclass(frozen=True)
class Style:
    """What a match looks like."""

    court: Colour
    run_off: Colour
    wood: bool
    lines: Colour
    light: tuple[float, float, float]  # its colour, BGR
    noise: float  # standard deviation, grey levels


STYLES = (
    Style((176, 108, 40), (96, 60, 30), False, (245, 245, 245), (1.00, 1.00, 1.00), 1.8),
    Style((150, 190, 214), (140, 110, 60), True, (60, 50, 40), (0.93, 1.00, 1.06), 2.2),
    Style((128, 138, 46), (70, 74, 36), False, (240, 250, 250), (1.02, 1.00, 0.96), 2.0),
    Style((158, 128, 96), (92, 74, 64), False, (250, 250, 250), (0.96, 1.00, 1.03), 2.6),
    Style((134, 176, 204), (70, 92, 60), True, (250, 250, 250), (1.06, 1.02, 0.97), 2.0),
    Style((124, 86, 92), (70, 52, 60), False, (245, 240, 235), (0.98, 0.98, 1.05), 2.8),
    Style((96, 132, 66), (60, 80, 50), False, (245, 250, 245), (1.00, 1.04, 1.00), 2.2),
)


class Camera:
    """The main camera: high on the near side, it pans, slides and zooms after the ball with a lag."""

    LAG = 4.6  # 1/s, of a critically damped spring
    LEAD = 0.32  # s by which the operator is ahead of the ball

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self.width, self.height = size
        self.dt = 1 / fps
        self.at: np.ndarray | None = None  # (2,) where it looks, m
        self.speed = np.zeros(2)

    def follow(self, ball: np.ndarray, ball_vel: np.ndarray) -> None:
        """Move on by one frame; `ball` (3,) m, `ball_vel` (3,) m/s."""
        lead = ball_vel[:2] * self.LEAD
        lead = lead * min(1.0, 2.6 / max(np.hypot(*lead), 1e-6))
        goal = np.clip(ball[:2] + lead, (-18.0, -9.6), (18.0, 9.0))
        if self.at is None:
            self.at = goal
        self.speed += (self.LAG**2 * (goal - self.at) - 2 * self.LAG * self.speed) * self.dt
        self.at = self.at + self.speed * self.dt
        self._aim()

    def _aim(self) -> None:
        x, y = self.at
        eye = np.array([0.62 * x, -25.0, 10.5])
        view = np.array([x, 0.85 * y, 0.95]) - eye
        distance = np.sqrt(view @ view)
        ahead = view / distance
        right = np.array([ahead[1], -ahead[0], 0]) / np.sqrt(ahead[0] ** 2 + ahead[1] ** 2)
        (x, y, z), (u, v, _) = ahead, right
        down = np.array([-v * z, u * z, x * v - y * u])  # ahead x right
        # 34 of 96 rows for a man of 1.8 m in the middle of the court, a little less far out
        focal = self.height * 5.3 * (distance / 27) ** 0.65
        screen = np.array([[focal, 0, self.width / 2], [0, focal, self.height * 0.52], [0, 0, 1]])
        turn = np.stack([right, down, ahead])
        self.focal, self.eye = focal, eye
        self.matrix = screen @ np.column_stack([turn, -turn @ eye])  # (3, 4)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (..., 2) and pixels per metre (...,) of `points` (..., 3) in metres."""
        x = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        return x[..., :2] / x[..., 2:], self.focal / x[..., 2]

    def plane(self, origin: tuple, u: tuple, v: tuple) -> np.ndarray:
        """(3, 3) from texture pixels (u, v) to the picture; `u` and `v` are one pixel's steps in metres."""
        basis = np.zeros((4, 3))
        basis[:3, 0], basis[:3, 1], basis[:3, 2], basis[3, 2] = u, v, origin, 1
        return self.matrix @ basis


@cache
def shaded(colour: Colour, shade: float) -> Colour:
    return tuple(min(255, int(c * shade)) for c in colour)


def floor_texture(style: Style, rng: np.random.Generator) -> np.ndarray:
    """The hall's floor seen from above with its lines, uint8; row 0 at the far boards."""
    width, height = int(2 * FLOOR_X * ALONG), int((BOARD_Y - FLOOR_NEAR) * ALONG)
    image = np.empty((height, width, 3), np.uint8)  # drawn square, shrunk across at the end
    image[:] = style.run_off

    def at(x: float, y: float) -> tuple[int, int]:
        return int((x + FLOOR_X) * ALONG), int((BOARD_Y - y) * ALONG)

    corners = at(-HALF_LENGTH, HALF_WIDTH), at(HALF_LENGTH, -HALF_WIDTH)
    cv2.rectangle(image, *corners, style.court, -1)
    if not style.wood:
        for side in (-1, 1):
            _penalty_area(image, at, side, shaded(style.court, 0.84), -1)
    cv2.circle(image, at(0, 0), 3 * ALONG, shaded(style.court, 0.88), -1)
    if style.wood:
        plank = rng.normal(0, 7, (height // 6 + 1, width // 90 + 1)).repeat(6, 0).repeat(90, 1)
    else:  # worn here and there
        plank = cv2.resize(rng.normal(0, 5, (12, 18)), (width, height), interpolation=cv2.INTER_CUBIC)
    image = image + plank[:height, :width, None] + _lamps(width, height)[..., None]
    image = np.clip(image, 0, 255).astype(np.uint8)
    line = int(0.09 * ALONG)
    cv2.rectangle(image, *corners, style.lines, line)
    cv2.line(image, at(0, HALF_WIDTH), at(0, -HALF_WIDTH), style.lines, line)
    cv2.circle(image, at(0, 0), 3 * ALONG, style.lines, line, cv2.LINE_AA)
    for side in (-1, 1):
        _penalty_area(image, at, side, style.lines, line)
        for spot in (6, 10, 20):
            cv2.circle(image, at(side * (HALF_LENGTH - spot), 0), 4, style.lines, -1, cv2.LINE_AA)
    return cv2.resize(image, (width, height * ACROSS // ALONG), interpolation=cv2.INTER_AREA)


def _lamps(width: int, height: int) -> np.ndarray:
    """The gloss of two rows of lamps on the floor, in grey levels (height, width)."""
    x = np.arange(width) / ALONG % 7.0 - 3.5
    y = np.arange(height) / ALONG % 9.0 - 4.5
    return 22 * np.exp(-((y[:, None] / 2.2) ** 2)) * np.exp(-((x / 1.5) ** 2)) - 6


def _penalty_area(image: np.ndarray, at: Callable, side: int, colour: Colour, width: int) -> None:
    """Quarter circles of 6 m around the posts and the line between them; filled if `width` is negative."""
    turn = np.linspace(0, np.pi / 2, 24)
    upper = [(side * (HALF_LENGTH - 6 * np.sin(a)), 1.5 + 6 * np.cos(a)) for a in turn]
    outline = [np.array([at(x, y) for x, y in upper] + [at(x, -y) for x, y in upper[::-1]])]
    if width < 0:
        cv2.fillPoly(image, outline, colour, cv2.LINE_AA)
    else:
        cv2.polylines(image, outline, False, colour, width, cv2.LINE_AA)


def board_texture(rng: np.random.Generator) -> np.ndarray:
    """Adverts of firms that do not exist, as long as the court, uint8."""
    width, height = int(2 * BOARD_X * ALONG), int(BOARD_HEIGHT * ALONG)
    image = np.zeros((height, width, 3), np.uint8)
    x = 0
    while x < width:
        end = x + int(rng.uniform(3.4, 5.0) * ALONG)
        ground = rng.integers(20, 220, 3)
        ink = (245, 245, 245) if ground.sum() < 380 else (30, 30, 30)
        image[:, x:end] = ground
        word = ADVERTS[rng.integers(len(ADVERTS))]
        (wide, tall), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, 0.75, 2)
        cv2.putText(image, word, (x + (end - x - wide) // 2, (height + tall) // 2), cv2.FONT_HERSHEY_DUPLEX,
                    0.75, ink, 2, cv2.LINE_AA)
        x = end
    image[:2] = 60
    return image


def stand_textures(rng: np.random.Generator, skins: tuple[Colour, ...]) -> list[np.ndarray]:
    """The crowd in rows of seats, four times: between them some people have moved. uint8, top row first."""
    width, rows, seat = int(2 * STAND_X * STAND_SCALE), 14, 7
    pitch = int(np.hypot(STAND_RISE, STAND_DEPTH) * STAND_SCALE / rows)
    shape = rows, width // seat
    shirts = np.array(SHIRTS)[rng.integers(0, len(SHIRTS), shape)] * rng.uniform(0.35, 0.75, (*shape, 1))
    heads = np.array(skins)[rng.integers(0, len(skins), shape)] * 0.65
    empty = rng.random(shape) < 0.12
    shift = rng.integers(-1, 2, shape)
    variants = []
    for _ in range(4):
        shift = np.where(rng.random(shape) < 0.12, rng.integers(-2, 3, shape), shift)
        image = np.full((rows * pitch, width, 3), 38, np.uint8)
        for row, column in np.argwhere(~empty):
            x, y = int(column * seat + 3), int(row * pitch + 5 + shift[row, column])
            feet = int(row + 1) * pitch
            cv2.rectangle(image, (x - 2, y + 2), (x + 3, feet), shirts[row, column].tolist(), -1)
            cv2.circle(image, (x, y), 2, heads[row, column].tolist(), -1)
        variants.append(cv2.GaussianBlur(image, (3, 3), 0.9))
    return variants


class Hall:
    """Everything behind the players."""

    def __init__(self, style: Style, size: tuple[int, int], rng: np.random.Generator, skins: tuple) -> None:
        """`size` is the picture's (width, height)."""
        self.size = size
        light = np.array(style.light)
        textures = [floor_texture(style, rng), board_texture(rng), *stand_textures(rng, skins)]
        lit = [np.clip(texture * light, 0, 255).astype(np.uint8) for texture in textures]
        self.floor, self.boards, self.stands = lit[0], lit[1], lit[2:]

    def draw(self, camera: Camera, moment: int) -> np.ndarray:
        """The empty hall, uint8 (H, W, 3); the crowd stirs when `moment` changes."""
        width, height = self.size
        image = np.full((height, width, 3), 26, np.uint8)
        ends = camera.at[0] - 9, camera.at[0] + 9
        edges = np.array([[(x, BOARD_Y, z) for x in ends] for z in (0, BOARD_HEIGHT)])
        floor_edge, board_edge = camera.project(edges)[0][..., 1]
        crowd = self.stands[moment % len(self.stands)]
        down = (0, -STAND_DEPTH / crowd.shape[0], -STAND_RISE / crowd.shape[0])
        back_row = (-STAND_X, BOARD_Y + 1.2 + STAND_DEPTH, 0.6 + STAND_RISE)
        stand = camera.plane(back_row, (1 / STAND_SCALE, 0, 0), down)
        floor = camera.plane((-FLOOR_X, BOARD_Y, 0), (1 / ALONG, 0, 0), (0, -1 / ACROSS, 0))
        boards = camera.plane((-BOARD_X, BOARD_Y, BOARD_HEIGHT), (1 / ALONG, 0, 0), (0, 0, -1 / ALONG))
        self._lay(image, crowd, stand, 0, board_edge.max() + 2)
        self._lay(image, self.floor, floor, floor_edge.min() - 2, height)
        self._lay(image, self.boards, boards, board_edge.min() - 2, floor_edge.max() + 2)
        if abs(camera.at[0]) > 10:
            self._end(image, camera, 1 if camera.at[0] > 0 else -1, crowd)
        return image

    def _lay(self, image: np.ndarray, texture: np.ndarray, plane: np.ndarray, top: float, bottom: float) -> None:
        """Lay a texture into the rows of the picture from `top` to `bottom`."""
        first, last = (int(np.clip(row, 0, image.shape[0])) for row in (top, bottom))
        if last - first < 2:
            return
        part = image[first:last]
        down = np.array([[1, 0, 0], [0, 1, -first], [0, 0, 1]])
        cv2.warpPerspective(texture, down @ plane, (part.shape[1], part.shape[0]), part,
                            cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)

    def _end(self, image: np.ndarray, camera: Camera, side: int, crowd: np.ndarray) -> None:
        """Stand and boards behind a goal, and its net."""
        height, rise, span = image.shape[0], STAND_RISE / crowd.shape[0], BOARD_Y - FLOOR_NEAR
        start = BOARD_Y if side > 0 else FLOOR_NEAR  # adverts read from left to right at both ends
        back_row = side * (BOARD_X + 0.6), start, 0.6 + STAND_RISE
        edge = side * BOARD_X, start, BOARD_HEIGHT
        stand = camera.plane(back_row, (0, -side / STAND_SCALE, 0), (0, 0, -rise))
        boards = camera.plane(edge, (0, -side / ALONG, 0), (0, 0, -1 / ALONG))
        self._lay(image, crowd[:, : int(span * STAND_SCALE)], stand, 0, height)
        self._lay(image, self.boards[:, : int(span * ALONG)], boards, 0, height)
        draw_net(image, camera, side)


def draw_net(image: np.ndarray, camera: Camera, side: int) -> None:
    line, back = side * HALF_LENGTH, side * (HALF_LENGTH + GOAL_DEPTH)
    cords = [((back, y, 0), (back, y, 1.8)) for y in np.linspace(-GOAL_HALF, GOAL_HALF, 9)]
    cords += [((back, -GOAL_HALF, z), (back, GOAL_HALF, z)) for z in np.linspace(0, 1.8, 6)]
    cords += [((back, y, 1.8), (line, y, GOAL_HEIGHT)) for y in np.linspace(-GOAL_HALF, GOAL_HALF, 9)]
    for y in (-GOAL_HALF, GOAL_HALF):
        cords += [((line, y, z), (back, y, 0.9 * z)) for z in np.linspace(0, GOAL_HEIGHT, 6)]
        cords += [((x, y, 0), (x, y, 1.9)) for x in np.linspace(line, back, 4)]
    ends, _ = camera.project(np.array(cords, float))
    for a, b in (ends * UNIT).astype(int).tolist():
        cv2.line(image, a, b, (176, 176, 176), 1, cv2.LINE_AA, SHIFT)


def draw_posts(image: np.ndarray, camera: Camera, side: int) -> None:
    """Posts and crossbar, striped as futsal has them."""
    x = side * HALF_LENGTH
    corners = np.array([(x, GOAL_HALF, 0), (x, GOAL_HALF, GOAL_HEIGHT), (x, -GOAL_HALF, GOAL_HEIGHT),
                        (x, -GOAL_HALF, 0)])
    pixels, scale = camera.project(corners)
    width = max(1, int(0.09 * scale[0]))
    for a, b in ((0, 1), (1, 2), (3, 2)):
        steps = pixels[a] + (pixels[b] - pixels[a]) * np.linspace(0, 1, 7)[:, None]
        p = (steps * UNIT).astype(int).tolist()
        for k in range(6):
            colour = (40, 40, 200) if k % 2 else (245, 245, 245)
            cv2.line(image, p[k], p[k + 1], colour, width, cv2.LINE_AA, SHIFT)
