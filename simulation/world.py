"""The synthetic futsal world: two teams, a ball, and what happens when they meet.

Events are not planned beforehand: each is written down when a foot meets the ball, on the frame on which that
shows. PASS is the strike on which the ball leaves the foot for a team mate; DRIVE is the first push of a run
with the ball. Touches of control, taps, blocks, tackles, shots and a keeper's roll-out are no events.
"""

from __future__ import annotations

import numpy as np

from simulation import tactics
from simulation.agents import REACH, Action, Player, Point, dot, inside, keep_apart, left_of, length, limited, unit
from simulation.state import Plan, State


class World(State):
    """A half (1 or 2) of a match, advanced one video frame at a time."""

    def __init__(self, half: int, fps: int, rng: np.random.Generator) -> None:
        super().__init__(half, fps, rng)
        self.players = [self._player(team, role) for team in (0, 1) for role in range(5)]
        first = self.players[4 if half == 1 else 9]
        first.pos = first.target = complex(-0.4 * self.signs[first.team], 0)
        self._take_ball(first, 1.6)

    def _player(self, team: int, role: int) -> Player:
        sign = self.signs[team]
        pos = tactics.formation_place(Player(team, role, 0j, 1 + 0j), complex(-5.0 * sign, 0), sign)
        if role == 0:
            pos = complex(-18.5 * sign, 0)
        return Player(team, role, pos, complex(sign, 0), target=pos, look=complex(sign, 0))

    # One step

    def step(self) -> None:
        """Advance by one frame; the ball struck on this frame still lies at the foot."""
        for player in self.players:
            player.advance(self.fps)
        if self.carrier:
            self._carry(self.carrier)
        tactics.place_others(self)
        for player in self.players:
            player.move(self.dt)
        keep_apart(self.players)
        before = self.ball.pos
        if self.plan is Plan.HANDS and self.carrier:
            self.ball.carry(self.carrier, self.fps)
        else:
            self.ball.roll(self.dt)
        if self.carrier:
            self._contacts(self.carrier)
        else:
            self._free_ball(before)
        self.frame += 1

    # The player with the ball

    def _take_ball(self, player: Player, seconds: float) -> None:
        """Become the player with the ball, and hold it for about `seconds`."""
        self.carrier, self.plan = player, Plan.HOLD
        self.held, self.until = self.frame, self.frame + self.frames(seconds)
        self.receiver, self.kicker = None, None
        player.driving, player.exact = False, True

    def _lose_ball(self) -> None:
        if self.carrier:
            self.carrier.driving = self.carrier.exact = False
        self.carrier, self.calm = None, False
        self.judged = set()

    def _carry(self, me: Player) -> None:
        sign = self.signs[me.team]
        if self.plan is Plan.HOLD:
            me.look = unit(complex(sign, -0.1 * me.pos.imag))
            me.target, me.pace = self.ball.pos - me.face * 0.36, 3.0
            self._hold(me)
        elif self.plan in (Plan.AIM, Plan.SWING):
            if self.plan is Plan.AIM:
                self.aim = self._strike_direction(me)
            me.look, me.pace = self.aim, 2.5
            # the standing foot beside the ball, the striking leg behind it
            me.target = self.ball.pos - self.aim * 0.27 + left_of(self.aim) * (0.15 * me.foot)
            self.ball.vel = self.ball.vel * (1 - 5 * self.dt)
            if self.plan is Plan.AIM:
                self._step_up(me)
        elif self.plan is Plan.PUSH:
            me.look, me.pace, me.target = self.aim, 2.0, self.ball.pos - self.aim * 0.33
        elif self.plan is Plan.DRIVE:
            me.look, me.pace, me.target = self.aim, 6.0, self.ball.pos + self.aim * 0.8
            if me.action is Action.NONE and length(self.ball.pos - me.pos) < 0.85:
                me.begin(self.fps, Action.PUSH)  # the leg goes back for the next touch
        else:
            me.look, me.pace = complex(sign, -0.05 * me.pos.imag), 1.2
            me.target = self.goal_of(me.team) + complex(2.5 * sign, 0)
            if me.action is not Action.ROLL and self.frame >= self.until:
                self._choose_mate(me, Action.ROLL)

    def _hold(self, me: Player) -> None:
        ball, near = self.ball, length(self.ball.pos - me.pos) < REACH
        if me.action is Action.HOLD and not near:
            me.action = Action.NONE
        if self.taker and length(inside(ball.pos, 0.02) - ball.pos) > 0.1:
            ball.vel = limited((inside(ball.pos, 0.02) - ball.pos) * 2, 1.0)  # brought back to the line
        elif self.drift and ball.pos + self.drift != inside(ball.pos + self.drift, 0.3):
            self.drift = 0j  # not over the line
        elif near and self.drift and length(ball.vel) < 0.4 * length(self.drift):
            me.touch(self.ball.pos)
            ball.strike(self.drift * 1.5)
        elif near and not self.drift:
            if me.action is Action.NONE:
                me.touch(self.ball.pos, Action.HOLD)
            ball.vel = ball.vel * (1 - 6 * self.dt)
            if me.action is Action.HOLD and self.chance(0.7):
                me.touch(self.ball.pos)
                ball.strike(unit(left_of(me.face) * self.between(-1, 1) + me.face * 0.3)
                            * self.between(0.5, 0.9))
        if self.frame >= self.until and near:
            self._choose(me)

    def _choose(self, me: Player) -> None:
        sign, rng = self.signs[me.team], self.rng
        rivals = self.side(1 - me.team)
        if self.wants_drive and not self.taker:
            aim, room = tactics.open_direction(self.ball.pos, me.face, sign, rivals, 0.1)
            if room > 1.5:
                self.plan, self.aim = Plan.PUSH, aim
                me.touch(self.ball.pos)
                me.begin(self.fps, Action.PUSH)
                return
        self.spot = None if self.taker else tactics.shooting_point(self, me)
        if self.spot is not None and rng.random() < 0.8:
            self.kind, self.receiver = Action.SHOT, None
            self._aim(me)
        elif not self._choose_mate(me, Action.PASS):
            self.until = self.frame + self.frames(0.25)
            self.wants_drive = rng.random() < 0.3

    def _choose_mate(self, me: Player, kind: Action) -> bool:
        """Pick the team mate who is freest, and start on the ball's way to him."""
        late = self.frame > self.held + self.frames(3.0)
        mate = tactics.freest_mate(self, me, 0.2 if late else 0.4)
        if mate is None:
            return False
        self.kind, self.receiver = kind, mate
        if kind is Action.ROLL:
            me.begin(self.fps, kind)
        else:
            self._aim(me)
        return True

    def _aim(self, me: Player) -> None:
        self.plan, self.until = Plan.AIM, self.frame + self.frames(0.9)
        if me.action is Action.HOLD:
            me.action = Action.NONE
        direction = self._strike_direction(me)
        me.foot = 1 if dot(me.pos - self.ball.pos, left_of(direction)) >= 0 else -1

    def _strike_direction(self, me: Player) -> Point:
        if self.receiver is None:
            return unit(self.spot - self.ball.pos)
        return unit(self.receiver.pos + self.receiver.vel * 0.4 - self.ball.pos)

    def _step_up(self, me: Player) -> None:
        if dot(me.face, self.aim) > 0.85 and length(me.target - me.pos) < 0.14:
            self.plan = Plan.SWING
            me.begin(self.fps, self.kind)
        elif self.frame > self.until:
            self.plan, self.until = Plan.HOLD, self.frame + self.frames(0.2)

    # Contacts

    def _contacts(self, me: Player) -> None:
        gap = length(self.ball.pos - me.pos)
        if self.plan is Plan.SWING and me.count == 0:
            if gap < 0.75:
                self._strike(me)
            else:
                self.plan, self.until = Plan.HOLD, self.frame + self.frames(0.2)
        elif self.plan is Plan.PUSH and me.count == 0:
            self.events.append((self.frame, "DRIVE", me.team))
            self.held, self.plan = self.frame, Plan.DRIVE
            self.until = self.frame + self.frames(self.between(1.1, 2.1))
            me.driving, self.calm = True, False
            self._knock(me, 4.4)
        elif self.plan is Plan.DRIVE and gap < 0.5 and self.frame > self.struck + self.frames(0.25):
            self._dribble(me)
        elif self.plan is Plan.HANDS and me.action is Action.ROLL and me.count == 0:
            self._strike(me)
        elif gap > 3.0:
            self._lose_ball()
        if self.carrier and self.plan is not Plan.HANDS:
            self._challenge(me)

    def _knock(self, me: Player, speed: float) -> None:
        me.touch(self.ball.pos, Action.PUSH)
        self.ball.strike(self.aim * speed)
        self.struck = self.frame

    def _dribble(self, me: Player) -> None:
        aim, room = tactics.open_direction(self.ball.pos, self.aim, self.signs[me.team], self.side(1 - me.team), 0.7)
        if self.frame < self.until and room > 0.9:
            self.aim = unit(self.aim + aim)
            self._knock(me, max(length(me.vel), 3.5) + 1.4)
        else:
            me.touch(self.ball.pos)
            self.ball.strike(me.vel * 0.55)
            self.wants_drive, self.drift = False, 0j
            self._take_ball(me, self.between(0.7, 1.2))

    def _strike(self, me: Player) -> None:
        """The ball leaves the foot (or the keeper's hand) for a team mate or for the goal."""
        mate, rng = self.receiver, self.rng
        if mate is None:
            point, speed, lift = tactics.aimed_shot(self)
        else:
            point, speed, lift = tactics.aimed_pass(self, mate, self.kind is Action.ROLL)
        if self.kind is Action.PASS:
            self.events.append((self.frame, "PASS", me.team))
        way = unit(unit(point - self.ball.pos) + self.aim * (0.0 if self.kind is Action.ROLL else 0.3))
        way = unit(way + left_of(way) * self.between(-0.075, 0.075))
        self.ball.strike(way * speed, lift)
        self._lose_ball()
        self.receiver, self.kicker, self.taker, self.struck = mate, me, None, self.frame
        self.last_team, self.contested = me.team, rng.random() < 0.4
        me.target, me.pace = me.pos + self.aim * 0.5, 1.6

    def _challenge(self, me: Player) -> None:
        """A rival near enough may go for the ball."""
        settled = self.frame > self.held + self.frames(0.5)
        open_to_tackle = settled and not self.calm and self.plan in (Plan.HOLD, Plan.DRIVE)
        for rival in self.side(1 - me.team)[1:]:
            gap = length(rival.pos - self.ball.pos)
            if rival.action is Action.LUNGE:
                if rival.count == 0 and settled and gap < 1.1 and self.rng.random() < 0.6:
                    rival.foot = 1 if self.rng.random() < 0.5 else -1
                    way = unit(rival.face + left_of(rival.face) * self.between(-1.5, 1.5))
                    self.ball.strike(way * self.between(1.0, 5.0))
                    self._lose_ball()
                    self.kicker, self.struck, self.last_team = me, self.frame, rival.team
                    return
            elif gap < 1.6 and open_to_tackle and self.chance(0.8):
                rival.begin(self.fps, Action.LUNGE)

    def _free_ball(self, before: Point) -> None:
        """Goals, balls out of play, and whoever can reach a ball nobody has."""
        ball = self.ball
        if self.taker is None:
            self._referee()
        if self.receiver and self.frame > self.struck + self.frames(1.8):
            self.receiver = None
        for player in sorted(self.players, key=lambda p: length(p.pos - ball.pos))[:4]:
            if player is self.kicker and self.frame < self.struck + self.frames(0.45):
                continue
            nearest = tactics.nearest_on_way(before, ball.pos, player.pos)
            saving = player.role == 0 and length(ball.vel) > 10
            stray = player is not self.receiver and length(ball.vel) > 7  # hard to get a leg to
            reach, height = (1.0, 1.7) if saving else (0.5 if stray else REACH, 0.6)
            in_reach = length(nearest - player.pos) < reach and ball.z < height
            if in_reach and self._meet(player, nearest, saving):
                return

    def _referee(self) -> None:
        """Stop play when the ball is out, and send someone to fetch it."""
        if not self.ball.out_of_play:
            return
        self.taker = tactics.restarting_player(self)
        self.calm, self.receiver = True, None
        self.judged = set()
        if self.ball.in_goal:
            self.score[1 - self.taker.team] += 1

    def _meet(self, player: Player, place: Point, saving: bool) -> bool:
        """A player within reach of the free ball: control it, block it, or miss it. True ends the frame."""
        ball, rng = self.ball, self.rng
        mine = player is self.receiver or player is self.taker
        fast = length(ball.vel - player.vel) > 6
        if (self.taker and not mine) or (fast and id(player) in self.judged):
            return False
        luck = rng.random()
        if luck < (0.97 if mine else 0.45 if saving else 0.3 if fast else 0.9):
            self._control(player, place, saving)
            return True
        self.judged.add(id(player))
        if luck > 0.75 and not mine:
            return False
        player.touch(self.ball.pos, Action.DIVE if saving else Action.TOUCH)
        back = unit(left_of(ball.vel) * self.between(-1, 1) - ball.vel * self.between(-0.5, 0.6))
        ball.pos = place
        ball.strike(back * (length(ball.vel) * self.between(0.25, 0.5)))
        self.receiver, self.last_team, self.kicker, self.struck = None, player.team, player, self.frame
        return True

    def _control(self, player: Player, place: Point, saving: bool) -> None:
        rng, ball = self.rng, self.ball
        self.last_team = player.team
        if player.role == 0 and (saving or player is self.taker):
            player.touch(self.ball.pos, Action.DIVE if saving else Action.HANDS)
            self._take_ball(player, self.between(1.6, 3.0))
            self.plan, self.calm, self.taker, self.kind = Plan.HANDS, True, None, Action.ROLL
            player.exact = False
            return
        ball.pos = place
        player.touch(self.ball.pos)
        side = complex(self.between(-0.5, 0.5), self.between(-0.5, 0.5))
        ball.strike(player.vel * 0.6 + ball.vel * 0.06 + side)
        self.drift, self.wants_drive = 0j, rng.random() < 0.30
        breather = rng.random() < 0.06
        self.calm = breather or self.taker is not None
        if self.calm:
            self._take_ball(player, self.between(3.0, 5.0) if breather else self.between(1.2, 2.4))
            return
        if rng.random() < 0.35:
            sign = self.signs[player.team]
            aim, _ = tactics.open_direction(place, player.face, sign, self.side(1 - player.team), -0.5)
            self.drift = aim * self.between(0.7, 1.2)
        self._take_ball(player, self.between(0.6, 1.2) if self.wants_drive else self.between(0.35, 1.4))
