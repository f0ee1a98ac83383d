"""How the synthetic futsal players read the game: free paths, free team mates, places without the ball."""

from __future__ import annotations

from simulation.agents import HALF_LENGTH, Action, Player, Point, dot, inside, length, limited, rounded, unit
from simulation.state import State


def clearance(start: Point, end: Point, opponents: list[Player]) -> float:
    """Metres between the path from `start` to `end` and the nearest opponent who could step into it."""
    way = end - start
    distance, ahead = length(way), unit(way)
    free = 9.0
    for opponent in opponents:
        along = dot(opponent.pos - start, ahead)
        if along > 0.3:
            nearest = start + ahead * min(along, distance)
            free = min(free, length(opponent.pos - nearest))
    return free


def nearest_on_way(start: Point, end: Point, place: Point) -> Point:
    """The point between `start` and `end` that is nearest to `place`."""
    ahead = unit(end - start)
    along = min(max(dot(place - start, ahead), 0.0), length(end - start))
    return rounded(start + ahead * along)


def formation_place(player: Player, ball: Point, sign: int) -> Point:
    """Where a player of the team in possession, attacking towards `sign` * x, offers himself."""
    ahead, across = [(0.0, 0.0), (-4.5, -0.25), (1.0, 6.0), (1.0, -6.0), (6.0, 0.3)][player.role]
    y = across * ball.imag if player.role in (1, 4) else across * sign
    place = complex(ball.real * 0.94 + ahead * sign, y) + player.wander
    gap = place - ball
    if length(gap) < 3.5:  # nobody offers himself on the ball carrier's toes
        place = ball + unit(gap) * 3.5
    return inside(place)


def marking_place(attacker: Point, ball: Point, goal: Point, role: int) -> Point:
    """Goal side of an attacker, and nearer to him the nearer he is to the goal."""
    distance = 1.3 + 0.25 * role + 0.04 * length(goal - attacker)
    return inside(attacker + unit(goal - attacker) * distance + limited(ball - attacker, 10.0) * 0.12, 0.3)


# Sixteen directions with whole-numbered components: no sine or cosine in the state.
DIRECTIONS = [unit(complex(x, y)) for x, y in
              [(5, 0), (5, 2), (4, 4), (2, 5), (0, 5), (-2, 5), (-4, 4), (-5, 2),
               (-5, 0), (-5, -2), (-4, -4), (-2, -5), (0, -5), (2, -5), (4, -4), (5, -2)]]


def open_direction(start: Point, face: Point, sign: int, opponents: list[Player], turn: float) -> tuple[Point, float]:
    """The direction with most room to run into, and its clearance in metres.

    `turn` is the smallest allowed cosine between the direction and `face`.
    """
    best, best_value, best_room = face, -9.0, 0.0
    for direction in DIRECTIONS:
        end = start + direction * 5.0
        if dot(direction, face) < turn or end != inside(end, 0.8):
            continue
        room = clearance(start, end, opponents)
        value = min(room, 3.0) + 0.8 * direction.real * sign + 0.3 * dot(direction, face)
        if value > best_value:
            best, best_value, best_room = direction, value, room
    return best, best_room


def freest_mate(state: State, me: Player, least: float) -> Player | None:
    """The team mate whom a pass can best be played to, past every rival by at least `least` metres."""
    best, best_value = None, -1.0
    sign, rivals, ball = state.signs[me.team], state.side(1 - me.team), state.ball.pos
    for mate in state.side(me.team):
        ahead = mate.pos + mate.vel * 0.4
        distance = length(ahead - ball)
        if mate is me or not 3.0 < distance < 13.0:
            continue
        free = clearance(ball, ahead, rivals)
        value = min(free, 2.0) - 0.6 + 0.08 * sign * (ahead.real - me.pos.real) + state.rng.random()
        value -= 0.08 * abs(distance - 6.5) + (0.8 if mate.role == 0 else 0.0)
        if free > least and value > best_value:
            best, best_value = mate, value
    return best


def shooting_point(state: State, me: Player) -> Point | None:
    """The part of the goal that nobody but the keeper covers; None if there is none, or it is too far."""
    goal, rivals = -state.goal_of(me.team), state.side(1 - me.team)[1:]
    gap = goal - state.ball.pos
    if length(gap) > 15 or abs(gap.imag) > 1.2 * abs(gap.real):
        return None
    room, side = max((clearance(state.ball.pos, goal + complex(0, y), rivals), y) for y in (-1.2, 0.0, 1.2))
    return goal + complex(0, side) if room > 0.5 else None


def aimed_pass(state: State, mate: Player, rolled: bool) -> tuple[Point, float, float]:
    """Where a pass (or a keeper's roll-out) goes, its speed in m/s, and its speed upwards."""
    distance = length(mate.pos - state.ball.pos)
    speed = min(max(6.6 + 0.5 * distance, 8.0), 13.5) * state.between(0.94, 1.06)
    chipped = distance > 7 and state.rng.random() < 0.12
    if rolled:
        speed, chipped = 7.0, False
    return inside(mate.pos + mate.vel * (0.9 * distance / speed), 0.3), speed, 3.0 if chipped else 0.0


def aimed_shot(state: State) -> tuple[Point, float, float]:
    """The same for a shot."""
    spot = state.spot + complex(0, state.between(-0.5, 0.5))
    return spot, state.between(14, 18), state.between(0, 3.2)


def restarting_player(state: State) -> Player:
    """Who fetches a ball out of play: the keeper behind whose line it is, or the other team's nearest."""
    x = state.ball.pos.real
    if abs(x) > HALF_LENGTH + 0.1:
        return state.side(0 if x * state.signs[0] < 0 else 1)[0]
    return min(state.side(1 - state.last_team)[1:], key=lambda p: length(p.pos - state.ball.pos))


def place_others(state: State) -> None:
    """Give everyone but the player with the ball a place to be, a pace and something to look at."""
    team = state.carrier.team if state.carrier else state.last_team
    if state.taker:
        team = state.taker.team
    for player in state.players:
        if player is state.carrier:
            continue
        if player is state.kicker and state.frame < state.struck + state.frames(0.3):
            continue  # follows through
        player.target, player.pace = _errand(state, player, team)
        player.exact = _chases(state, player) or player.action is Action.LUNGE
        if player is state.receiver and player.action is Action.NONE:
            player.reach_out(state.ball, state.fps)
        fast = length(player.vel) > 3.2 and player is not state.receiver
        player.look = player.vel if fast else state.ball.pos - player.pos


def _errand(state: State, player: Player, team: int) -> tuple[Point, float]:
    """Place and pace (m/s) of a player without the ball while `team` has it."""
    if player is state.taker:
        return state.ball.pos, 4.2
    if player.action is Action.LUNGE and player.count < 0:
        return state.ball.pos, 5.0
    if _chases(state, player):
        return state.ball.meeting_point(player), 6.2
    if player.role == 0:
        place, pace = _keeper_place(state, player, team), 4.5
    elif player.team == team:
        place = _support_place(state, player)
        pace = min(2.0 + 0.6 * length(place - player.pos), 6.0)
    else:
        place = _defend_place(state, player)
        pace = min(1.8 + 0.9 * length(place - player.pos), 6.2)
    return place, min(pace, 3.4) if state.calm else pace


def _chases(state: State, player: Player) -> bool:
    """Whether this player goes for a ball that nobody has."""
    if state.carrier or state.taker:
        return False
    if player is state.receiver:
        return True
    if player.role == 0 or (state.receiver and player.team == state.receiver.team):
        return False
    prize = state.ball.pos
    if state.receiver:  # a marker may try to be there first
        prize = state.receiver.pos if state.contested else state.ball.pos
        if length(player.pos - prize) > (2.8 if state.contested else 2.0):
            return False
    return player is min(state.side(player.team)[1:], key=lambda p: length(p.pos - prize))


def _play_centre(state: State) -> Point:
    """What the teams arrange themselves around: the ball, or a place upfield of a keeper who has it."""
    in_hands = state.carrier is not None and state.carrier.action in (Action.HANDS, Action.ROLL, Action.DIVE)
    fetching = state.taker is not None and state.taker.role == 0
    return state.ball.pos * (0.6 if in_hands or fetching else 1.0)


def _support_place(state: State, player: Player) -> Point:
    if state.frame >= player.wander_until:
        player.wander = complex(state.between(-2.5, 2.5), state.between(-2.0, 2.0))
        player.wander_until = state.frame + state.frames(state.between(0.8, 2.4))
    return formation_place(player, _play_centre(state), state.signs[player.team])


def _defend_place(state: State, player: Player) -> Point:
    ball, goal = _play_centre(state), state.goal_of(player.team)
    mates = state.side(player.team)[1:]
    if player is min(mates, key=lambda p: length(p.pos - ball) + 0.3 * length(p.pos - goal)):
        backing_off = state.carrier is not None and state.carrier.driving
        distance = 3.5 if state.calm else 2.4 if backing_off else 1.5
        return inside(ball + unit(goal - ball) * distance, 0.2)
    partner = state.side(1 - player.team)[(0, 4, 3, 2, 1)[player.role]]
    return marking_place(partner.pos, ball, goal, 1 if partner is state.carrier else 0)


def _keeper_place(state: State, player: Player, team: int) -> Point:
    goal, sign, ball = state.goal_of(player.team), state.signs[player.team], state.ball
    far = abs(goal.real - ball.pos.real)
    if ball.vel.real * sign < -6 and far < 12:
        cross = ball.pos.imag + ball.vel.imag * (far / abs(ball.vel.real))
        return complex(goal.real + 0.7 * sign, min(max(cross, -1.6), 1.6))
    return goal + unit(ball.pos - goal) * (3.0 if team == player.team else 1.4)
