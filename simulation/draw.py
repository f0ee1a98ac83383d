"""The broadcast picture of a synthetic futsal match: players and ball in the hall, scoreboard, noise."""

from __future__ import annotations

import zlib
from dataclasses import replace

import cv2
import numpy as np

from simulation.agents import GOAL_HALF, Action
from simulation.body import CHEST, FOOT, JOINTS, PELVIS, Kit, Looks, doing, draw_figure, pose
from simulation.hall import SHIFT, STYLES, UNIT, Camera, Hall, draw_posts, shaded
from simulation.sim import MATCHES, FrameState, Match

BALL_RADIUS = 0.165  # m; half again as large as life, as the picture is small
BALL_COLOUR = (15, 120, 255)  # BGR

_WHITE, _BLACK, _NAVY = (240, 240, 240), (32, 30, 30), (92, 40, 24)
KITS = {
    "ARG": Kit((232, 196, 130), _WHITE, _BLACK, _WHITE, _BLACK),
    "BRA": Kit((60, 222, 246), (60, 140, 30), (170, 80, 30), _WHITE, (40, 40, 40)),
    "ESP": Kit((40, 30, 190), (50, 190, 230), _NAVY, _NAVY, _WHITE),
    "POR": Kit(_WHITE, (60, 120, 40), _WHITE, (225, 225, 225), _BLACK),
    "IRN": Kit(_WHITE, (50, 40, 190), _WHITE, _WHITE, (60, 60, 60)),
    "JPN": Kit((130, 44, 26), _WHITE, (120, 40, 26), (130, 44, 26), _WHITE),
    "ITA": Kit((190, 104, 22), _WHITE, _WHITE, (190, 104, 22), _BLACK),
    "KAZ": Kit((90, 220, 240), (200, 170, 60), (90, 210, 230), (90, 220, 240), _BLACK),
    "MAR": Kit((44, 28, 172), (60, 120, 30), (44, 28, 172), (44, 28, 160), _WHITE),
    "EGY": Kit(_WHITE, _BLACK, _BLACK, _WHITE, (50, 50, 50)),
    "COL": Kit((70, 215, 244), (120, 50, 30), _NAVY, (60, 50, 180), _BLACK),
    "PAR": Kit(_WHITE, (50, 40, 190), (150, 70, 30), _WHITE, _BLACK),
    "THA": Kit((120, 50, 30), (60, 60, 200), (120, 50, 30), (110, 46, 30), _WHITE),
    "VIE": Kit((48, 40, 205), (80, 220, 240), (48, 40, 205), (48, 40, 205), _BLACK),
}
KEEPER_KITS = (Kit((70, 180, 90), _BLACK, _BLACK, (70, 180, 90), _BLACK),
               Kit((170, 90, 150), _WHITE, (120, 60, 110), (170, 90, 150), _BLACK))
SKINS = ((150, 180, 222), (120, 156, 206), (96, 130, 182), (70, 98, 146), (48, 68, 106))
HAIRS = ((30, 32, 40), (38, 52, 76), (24, 22, 24), (60, 90, 130))


class Renderer:
    """Draws the frames of one half, in order."""

    def __init__(self, match: Match, half: int, size: tuple[int, int], seed: int) -> None:
        """`size` is (width, height) in pixels; `seed` draws the hall, its people and the noise."""
        name = zlib.crc32(match.name.encode())
        people = np.random.default_rng([seed, name])
        self.rng = np.random.default_rng([seed, name, half])
        self.match, self.half, self.size, self.fps = match, half, size, match.fps
        style = STYLES[(MATCHES.index(match) + seed) % len(STYLES)]
        self.light = style.light
        self.camera = Camera(size, match.fps)
        self.hall = Hall(style, size, people, SKINS)
        looks = [Looks(SKINS[people.integers(5)], HAIRS[people.integers(4)]) for _ in range(10)]
        kits = [KITS[match.teams[i // 5]] if i % 5 else KEEPER_KITS[i // 5] for i in range(10)]
        self.looks, self.kits = [self._lit(one) for one in looks], [self._lit(one) for one in kits]
        self.noise = self._noise_bank(style.noise)
        self.lean = np.zeros((10, 2))
        self.last_vel: np.ndarray | None = None
        self.panel_shows: tuple | None = None
        self.count = 0

    def _lit(self, colours: Kit | Looks) -> Kit | Looks:
        """The colours in the hall's light."""
        return replace(colours, **{
            name: tuple(min(255, int(c * gain)) for c, gain in zip(colour, self.light, strict=True))
            for name, colour in vars(colours).items()
        })

    def _noise_bank(self, strength: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Noise, brightening and darkening part, larger than the picture so that it can be shifted about."""
        width, height = self.size
        bank = []
        for _ in range(4):
            grain = self.rng.normal(0, strength, (height + 16, width + 16, 1))
            grain = grain + self.rng.normal(0, strength / 2, (height + 16, width + 16, 3))
            bank.append((np.maximum(grain, 0).astype(np.uint8), np.maximum(-grain, 0).astype(np.uint8)))
        return bank

    def frame(self, state: FrameState) -> np.ndarray:
        """The next frame as uint8 (H, W, 3), BGR."""
        self.camera.follow(state.ball, state.ball_vel)
        image = self.hall.draw(self.camera, 3 * self.count // self.fps)
        self._lean(state)
        joints = pose(state, self.lean)
        self._shadows(image, joints, state)
        self._people(image, joints, state)
        self._scoreboard(image, state)
        self.count += 1
        light, dark = self.noise[self.rng.integers(4)]
        x, y = self.rng.integers(0, 16, 2)
        part = slice(y, y + self.size[1]), slice(x, x + self.size[0])
        return cv2.subtract(cv2.add(image, light[part]), dark[part])

    # People and ball

    def _lean(self, state: FrameState) -> None:
        """Trunks lean into acceleration, with the run, over the ball, and away from the kicking foot."""
        dt = 1 / self.fps
        change = np.zeros((10, 2)) if self.last_vel is None else (state.vel - self.last_vel) / dt
        self.last_vel = state.vel
        goal = 0.035 * change + 0.030 * state.vel
        for those, far in ((state.driving, 0.40), (doing(state, Action.HOLD, Action.TOUCH), 0.12),
                           (doing(state, Action.PUSH) & ~state.driving, 0.40), (doing(state, Action.ROLL), 0.7),
                           (doing(state, Action.LUNGE), -0.25)):
            goal[those] += far * state.face[those]
        right = np.column_stack([state.face[:, 1], -state.face[:, 0]])
        kicking = doing(state, Action.PASS, Action.SHOT) & (np.abs(state.since) < 0.2)
        goal[kicking] -= (0.10 * state.face + 0.16 * right * state.foot[:, None])[kicking]
        for i in np.flatnonzero(doing(state, Action.DIVE) & (state.since < 0.45)):
            gap = state.ball[:2] - state.pos[i]
            goal[i] = 0.9 * gap / max(np.hypot(*gap), 0.5)
        self.lean += (goal - self.lean) * min(1.0, 14 * dt)

    def _shadows(self, image: np.ndarray, joints: np.ndarray, state: FrameState) -> None:
        """Soft patches on the floor under bodies, feet and ball."""
        shade = np.zeros_like(image)
        places = np.concatenate([joints[:, PELVIS], joints[:, CHEST], joints[:, FOOT].reshape(-1, 3),
                                 state.ball[None]])
        places[:, 2] = 0
        widths = np.concatenate([np.full(10, 0.30), np.full(10, 0.26), np.full(20, 0.17), [BALL_RADIUS]])
        pixels, scale = self.camera.project(places)
        axes = widths * scale
        for (x, y), a in zip(pixels.tolist(), axes.tolist(), strict=True):
            if -40 < x < self.size[0] + 40 and -40 < y < self.size[1] + 40:
                cv2.ellipse(shade, (int(x), int(y)), (max(1, int(a)), max(1, int(a * 0.45))), 0, 0, 360,
                            (34, 34, 34), -1)
        cv2.subtract(image, shade, image)

    def _people(self, image: np.ndarray, joints: np.ndarray, state: FrameState) -> None:
        """Everything that stands on the court, the farthest first."""
        pixels, scale = self.camera.project(joints.reshape(-1, 3))
        pixels, scale = pixels.reshape(10, JOINTS, 2), scale.reshape(10, JOINTS)[:, PELVIS]
        to_eye = self.camera.eye[:2] - state.pos
        facing = (state.face * to_eye).sum(1) > 0
        near = (state.face[:, 1] * to_eye[:, 0] - state.face[:, 0] * to_eye[:, 1] > 0).astype(int)
        order = [(-y, i) for i, y in enumerate(state.pos[:, 1])] + [(-state.ball[1] + 0.02, 10)]
        order += [(GOAL_HALF, 11)] if abs(self.camera.at[0]) > 10 else []
        for _, i in sorted(order):
            if i == 10:
                self._ball(image, state)
            elif i == 11:
                draw_posts(image, self.camera, 1 if self.camera.at[0] > 0 else -1)
            elif -40 < pixels[i, PELVIS, 0] < self.size[0] + 40:
                draw_figure(image, pixels[i], scale[i], int(near[i]), bool(facing[i]), self.kits[i],
                            self.looks[i])

    def _ball(self, image: np.ndarray, state: FrameState) -> None:
        """The ball, drawn out along its way by the shutter when it is fast."""
        centre = state.ball + (0, 0, BALL_RADIUS)
        ends, scale = self.camera.project(np.stack([centre, centre - state.ball_vel * (0.25 / self.fps)]))
        radius = BALL_RADIUS * scale[0]
        a, b = (ends * UNIT).astype(int).tolist()
        dark = shaded(BALL_COLOUR, 0.55)
        if np.hypot(*(ends[0] - ends[1])) > 1.0:
            for thickness, colour in ((2.0 * radius + 1.5, dark), (1.8 * radius, BALL_COLOUR)):
                cv2.line(image, a, b, colour, max(2, int(thickness)), cv2.LINE_AA, SHIFT)
            return
        cv2.circle(image, a, int((radius + 0.4) * UNIT), dark, -1, cv2.LINE_AA, SHIFT)
        up = [a[0], a[1] - int(0.18 * radius * UNIT)]
        cv2.circle(image, up, int(0.84 * radius * UNIT), BALL_COLOUR, -1, cv2.LINE_AA, SHIFT)

    def _scoreboard(self, image: np.ndarray, state: FrameState) -> None:
        text = (int(state.second), state.score)
        if self.panel_shows != text:
            self.panel_shows, self.panel = text, self._panel(text[0], text[1])
        height, width = self.panel.shape[:2]
        edge = self.size[1] // 24
        image[edge : edge + height, edge : edge + width] = self.panel

    def _panel(self, second: int, score: tuple[int, int]) -> np.ndarray:
        clock = 20 * 60 * (self.half - 1) + second
        words = f"{self.match.teams[0]} {score[0]}-{score[1]} {self.match.teams[1]}"
        panel = np.full((34, 250, 3), (58, 40, 28), np.uint8)
        panel[:, :66] = (40, 26, 18)
        cv2.rectangle(panel, (66, 0), (72, 33), KITS[self.match.teams[0]].shirt, -1)
        cv2.rectangle(panel, (243, 0), (249, 33), KITS[self.match.teams[1]].shirt, -1)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(panel, f"{clock // 60:02d}:{clock % 60:02d}", (4, 23), font, 0.55, (255, 255, 255), 1,
                    cv2.LINE_AA)
        cv2.putText(panel, words, (80, 24), font, 0.62, (255, 255, 255), 1, cv2.LINE_AA)
        height = max(6, self.size[1] // 15)
        return cv2.resize(panel, (int(250 * height / 34), height), interpolation=cv2.INTER_AREA)
