"""Whether the labels of a video go with the motion of its frames as those of other videos do, and where else if not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from checks.event_motion import EventLook, at_labels, class_weights, strengths
from checks.motion_source import Source
from util.clock import show_time

MAX_LAG = 50  # steps of 1/25 s by which labels are moved to find where they fit; where they do not,
FAR_LAG = 1500
MAX_DRIFT = 100  # steps by which the last label may have drifted from the first
LEAST_LAG = 3  # steps that are told; cameramen and annotators differ by less
LEAST_OTHERS = 3  # sources that one is compared with
TELLING = 6.0  # standard errors that right labels must be expected to stand out by, or nothing is told
TELLING_LACK = 12.0  # the same, to tell that labels fit nowhere
FITS = 5.0  # standard errors by which labels must stand out to fit, of the hundred lags that are tried
FITS_ELSEWHERE = 7.0  # the same for drifts, rates, other videos and far lags, some ten thousand
PART = 0.4  # of what is expected that they must reach as well
GAIN = 4.0  # standard errors by which another place must be better than that of the labels
LEAST_EVENTS = 8  # that a place of the labels is judged by, and part of those that one expects where it was read:
LEAST_PART = 0.3
RATES = (23.976, 24, 25, 29.97, 30, 50, 59.94, 60)  # frames per second that labels may have been made for
RESAMPLES = 400


@dataclass(frozen=True)
class Fit:
    """How the labels of a source, a video or several short ones, go with the motion of their frames."""

    source: Source
    verdict: str  # "fits", "late" (or early), "drifts", "elsewhere", "nowhere"; "unknown" where it cannot be told
    events: int  # that it is judged by
    strength: float  # standard errors by which the labels stand out from random places, at the best lag
    expected: float  # the same, if they sat as those of the other sources do
    late: int = 0  # frames by which the labels are later than those of the others, below 0 earlier
    interval: tuple[int, int] = (0, 0)  # that holds it 95 times in 100
    message: str = ""  # what is wrong

    @property
    def placed(self) -> bool:
        """Whether the labels fit where they are or near to it."""
        return self.interval != (0, 0)


@dataclass(frozen=True)
class _Placed:
    """Responses at the labels of a source, moved by each lag."""

    lags: np.ndarray  # (L,) frames
    found: np.ndarray  # (n, L), NaN where not known
    weights: np.ndarray  # (n,)
    strength: np.ndarray  # (L,)
    expected: np.ndarray  # (L,)

    @property
    def at_best(self) -> int:
        return int(self.strength.argmax())

    @property
    def best(self) -> float:
        return float(self.strength.max())

    @property
    def lag(self) -> int:
        return int(self.lags[self.at_best])

    @property
    def events(self) -> int:
        return int((~np.isnan(self.found[:, self.at_best])).sum())

    def fits(self, at_least: float) -> bool:
        return self.best >= max(at_least, PART * self.expected[self.at_best])

    def gain(self, other: _Placed) -> float:
        """Standard errors by which the labels are better off here than there, each at the best lag."""
        return _gain(self.found[:, self.at_best], other.found[:, other.at_best])

    def gain_over(self, lag: int) -> float:
        """The same, against a lag here and the lags beside it."""
        near = abs(self.lags - lag) <= 1
        return min(_gain(self.found[:, self.at_best], column) for column in self.found[:, near].T)

    def told(self, fit: Fit, verdict: str, text: str) -> Fit:
        """The fit with what this place of the labels says of them."""
        message = f"{text}, judged by the motion around {self.events} events"
        return replace(fit, verdict=verdict, strength=self.best, events=self.events, message=message)

    def interval(self, percent: float, rng: np.random.Generator) -> tuple[int, int]:
        """The lags between which the best one lies in `percent` of the resamples of the events."""
        times = rng.multinomial(len(self.found), np.full(len(self.found), 1 / len(self.found)), RESAMPLES)
        total = times @ np.nan_to_num(self.found)
        weight = times @ (~np.isnan(self.found) * self.weights[:, None] ** 2)
        strength = np.where(self.expected > 0, total / np.sqrt(np.maximum(weight, 1e-9)), 0)
        low, high = np.percentile(self.lags[strength.argmax(1)], [50 - percent / 2, 50 + percent / 2])
        return round(low), round(high)


def _gain(here: np.ndarray, there: np.ndarray) -> float:
    gains = (here - there)[~np.isnan(here - there)]
    if len(gains) < LEAST_EVENTS:
        return 0.0
    return float(gains.mean() / max(gains.std(ddof=1) / np.sqrt(len(gains)), 1e-9))


def judge(sources: list[Source], num_classes: int, rng: np.random.Generator) -> list[Fit]:
    """Judge the labels of each source by what motion looks like around the events of the others.

    What is out of line is not learnt from again, so that the others are judged by good labels alone; a third of the
    sources may be wrong.
    """
    if not sources:
        return []
    reference = _Reference(sources, num_classes, rng)
    for _ in range(2):
        reference.learn([reference.place(index) for index in range(len(sources))])
    return [reference.explained(index, reference.place(index)) for index in range(len(sources))]


def usual_late(fits: list[Fit]) -> tuple[float, float]:
    """Steps by which labels are late for the most part, and how they differ: a robust standard deviation."""
    lates = np.array([fit.late / fit.source.step for fit in fits if fit.placed and fit.verdict != "drifts"])
    if len(lates) <= LEAST_OTHERS:
        return 0.0, 0.0
    usual = float(np.median(lates))
    return usual, 1.4826 * float(np.median(abs(lates - usual)))


class _Reference:
    """What is learnt from the sources that are in line, and how the labels of any of them compare with it."""

    def __init__(self, sources: list[Source], num_classes: int, rng: np.random.Generator) -> None:
        self.sources, self.rng = sources, rng
        self.look = EventLook(sources, num_classes)
        self.learn([])

    def learn(self, fits: list[Fit]) -> None:
        """Learn from the sources that are in line with each other; from all where nothing is known yet."""
        self.usual, self.spread = usual_late(fits)
        self.in_line = np.array([fit.verdict in ("fits", "unknown") for fit in fits]) if fits else np.ones(
            len(self.sources), bool)
        self.responses = [self.look.responses(index, self.in_line) for index in range(len(self.sources))]
        self.means = [self._mean_at_labels(index) for index in range(len(self.sources))]

    def _mean_at_labels(self, index: int) -> np.ndarray:
        """(K,) mean response of each class, NaN where none."""
        source, responses = self.sources[index], self.responses[index]
        found = responses[source.frames, source.labels]
        labels, found = source.labels[~np.isnan(found)], found[~np.isnan(found)]
        counts, sums = (np.bincount(labels, weigh, responses.shape[1]) for weigh in (None, found))
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _weights(self, index: int) -> np.ndarray:
        """(K,) what an event of each class is worth as a witness for a source."""
        others = self.in_line.copy()
        others[index] = False
        if len(self.sources) <= LEAST_OTHERS or others.sum() < 2:
            return np.zeros(self.look.counts.shape[1])
        means = np.array(self.means)[others]
        return class_weights(means, self.look.counts[others])

    def _at(self, index: int, places: np.ndarray, labels: np.ndarray, max_lag: float) -> _Placed:
        """Labels laid at places in a source, and moved by up to `max_lag` steps."""
        reach = round(max_lag * self.sources[index].step)
        lags = np.arange(-reach, reach + 1)
        weights = self._weights(index)
        found = at_labels(self.responses[index], places, labels, weights, lags)
        read = float((~np.isnan(self.sources[index].levels[:, 0])).mean())
        at_least = max(LEAST_EVENTS, round(LEAST_PART * read * len(places)))
        return _Placed(lags, found, weights[labels], *strengths(found, weights[labels], at_least))

    def place(self, index: int) -> Fit:
        """Where the labels of a source fit best near to where they are; "nowhere" where they do not."""
        source = self.sources[index]
        here = self._at(index, source.frames, source.labels, MAX_LAG)
        expected = float(here.expected[len(here.lags) // 2])
        fit = Fit(source, "unknown", here.events, here.best, expected)
        if max(expected, here.best) < TELLING:
            return fit
        if not here.fits(FITS):
            return replace(fit, verdict="nowhere")
        late = -here.lag
        least, most = here.interval(95, self.rng)
        margin = max(round(self.spread * source.step), 1)
        fit = replace(fit, verdict="fits", late=late, interval=(-most - margin, -least + margin))
        usual = round(self.usual * source.step)
        if abs(late - usual) < max(LEAST_LAG, 3 * self.spread) * source.step:
            return fit
        least, most = here.interval(99, self.rng)
        near = max(1, 2 * self.spread) * source.step
        clear = -least < usual - near or -most > usual + near
        if not clear or here.gain_over(-usual) < GAIN:
            return replace(fit, verdict="unknown")
        first, last = fit.interval
        text = (f"labels seem about {abs(late)} frames {_early_or_late(late)} ({min(abs(first), abs(last))} to "
                f"{max(abs(first), abs(last))}, 95 %), judged by the motion around {fit.events} events")
        return replace(fit, verdict="late", message=text)

    def explained(self, index: int, fit: Fit) -> Fit:
        """The same, with where else labels may fit: at a changing lag, another rate, far away, in another video."""
        source = self.sources[index]
        alone = len(source.videos) == 1 and len(source.frames) >= LEAST_EVENTS
        if fit.verdict != "nowhere":
            return self._drifting(index, fit) if alone and fit.placed else fit
        if alone:
            drifts, others = self._drifts(index), self._others(index)
            best, text = max([*drifts, *others], key=lambda pair: pair[0].best)
            if best.fits(FITS_ELSEWHERE):
                verdict = "drifts" if any(best is drift for drift, _ in drifts) else "elsewhere"
                return best.told(fit, verdict, text)
        if fit.expected < TELLING_LACK:
            return replace(fit, verdict="unknown")
        text = (f"its {fit.events} labels go with the motion of its frames no better than random places do "
                f"({fit.strength:.0f} standard errors at best, {fit.expected:.0f} expected from the other videos)")
        return replace(fit, message=text)

    def _drifting(self, index: int, fit: Fit) -> Fit:
        source = self.sources[index]
        here = self._at(index, source.frames, source.labels, MAX_LAG)
        best, text = max(self._drifts(index), key=lambda pair: pair[0].best)
        if best.best <= here.best or best.gain(here) < GAIN:
            return fit
        return best.told(fit, "drifts", text)

    def _drifts(self, index: int) -> list[tuple[_Placed, str]]:
        """The labels drawn apart or pushed together around their middle."""
        source = self.sources[index]
        first, last = source.frames.min(), source.frames.max()
        tried = []
        for drift in np.arange(-MAX_DRIFT, MAX_DRIFT + 1, 2) * source.step:
            if abs(drift) >= 2 * LEAST_LAG * source.step:
                factor = 1 + drift / max(last - first, 1)
                places = np.rint((first + last) / 2 + (source.frames - (first + last) / 2) * factor).astype(int)
                text = f"labels seem to drift against the picture by {abs(drift):.0f} frames from the first to the last"
                if source.fps:
                    text += f", as if they counted {source.fps / factor:.2f} frames per second and not {source.fps:g}"
                tried.append((self._at(index, places, source.labels, MAX_LAG), text))
        return tried

    def _others(self, index: int) -> list[tuple[_Placed, str]]:
        """The labels at far lags, at other rates, and in other videos."""
        source = self.sources[index]
        far = self._at(index, source.frames, source.labels, FAR_LAG)
        seconds = f" ({show_time(abs(far.lag) / source.fps)})" if source.fps else ""
        tried = [(far, f"labels seem about {abs(far.lag)} frames{seconds} {_early_or_late(-far.lag)}")]
        for rate in RATES:
            if source.fps and abs(rate / source.fps - 1) > 0.01:  # what is nearer is a drift
                places = np.rint(source.frames * (source.fps / rate)).astype(int)
                text = (f"labels seem to count about {rate:.0f} frames per second, but there are {source.fps:g} frames "
                        "per second")
                tried.append((self._at(index, places, source.labels, MAX_LAG), text))
        for other, candidate in enumerate(self.sources):
            if other != index and len(candidate.videos) == 1:
                text = f"labels go with the motion in the frames of {candidate.name!r}, and not with that of its own"
                tried.append((self._at(other, source.frames, source.labels, MAX_LAG), text))
        return tried


def _early_or_late(late: int) -> str:
    return "late" if late > 0 else "early"
