"""One heater as physics: a core that is heated, the block around it, and a sensor that lags behind.

Steps of a quarter of a second. The printer's control sees the sensor alone, as in reality: what is wrong with
the sensor is taken up by the control, and hidden by it as far as it can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP_S = 0.25
FULL_BEYOND_DEGC = 10.0  # firmwares control within so much of the target, and heat or rest beyond it


@dataclass(frozen=True, slots=True)
class Plant:
    """One heater. power_w at full; core and block in J/K; loss_w in W/K to the room, of the block.

    core_s, sensor_s: how long heat takes to the block, and to the sensor. noise_degc: standard deviation;
    step_degc: of the analogue converter. bang_degc: half its hysteresis where it only switches, else 0.
    kp, ki, kd: of its control, shares of all power.
    """

    power_w: float
    block: float
    loss_w: float
    core_s: float
    sensor_s: float
    noise_degc: float
    step_degc: float
    bang_degc: float
    kp: float
    ki: float
    kd: float

    def as_array(self) -> Array:
        """For the compiled step."""
        return np.array([getattr(self, name) for name in self.__slots__], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to a heater, step by step; shape (n,) each.

    target: degC. extra: loss beside its own, as a share of that (fan, filament, door). room: degC. power:
    what is left of it. offset: of the sensor, degC. stuck: 1 where its relay is welded shut. frozen: 1 where
    the sensor stands still. broken: what a torn or shorted sensor shows, NaN elsewhere.
    """

    target: Array
    extra: Array
    room: Array
    power: Array
    offset: Array
    stuck: Array
    frozen: Array
    broken: Array

    @classmethod
    def calm(cls, n: int, room_degc: float) -> Course:
        """Nothing happens for n steps, and it is off."""
        zeros, ones = np.zeros(n), np.ones(n)
        return cls(
            zeros.copy(),
            zeros.copy(),
            ones * room_degc,
            ones,
            zeros.copy(),
            zeros.copy(),
            zeros,
            ones * np.nan,
        )


def heat(plant: Plant, course: Course, state: Array, seed: int) -> tuple[Array, Array]:
    """What the sensor shows and the power given, each shape (n,). state: shape (7,), is carried on."""
    shown, power = _heat(
        plant.as_array(),
        course.target,
        course.extra,
        course.room,
        course.power,
        course.offset,
        course.stuck,
        course.frozen,
        course.broken,
        state,
        seed,
    )
    return shown, power


def cold(room_degc: float) -> Array:
    """The state of a heater that has been off for long."""
    return np.array([room_degc, room_degc, room_degc, 0.0, room_degc, 0.0, 0.0])


@numba.njit(cache=True)
def _heat(p, target, extra, room, power, offset, stuck, frozen, broken, state, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)
    n = target.shape[0]
    shown, duty = np.empty(n), np.empty(n)
    full_w, block, loss, core_s, sensor_s, noise, quantum, bang, kp, ki, kd = p
    core, body, sensor, integral, last, on, wander = state
    core_mass = 0.15 * block
    for i in range(n):
        goal = target[i]
        wander = 0.9 * wander + 0.3 * np.random.normal()
        read = sensor + offset[i] + noise * (0.8 * np.random.normal() + 0.6 * wander)
        read = round(read / quantum) * quantum
        if frozen[i] > 0.0:
            read = last
        if not np.isnan(broken[i]):
            read = broken[i]
        error = goal - read
        if goal <= 0.0:
            u, integral = 0.0, 0.0
        elif bang > 0.0:
            if error > bang:
                on = 1.0
            elif error < -bang:
                on = 0.0
            u = on
        elif error > FULL_BEYOND_DEGC:
            u, integral = 1.0, 0.0
        elif error < -FULL_BEYOND_DEGC:
            u, integral = 0.0, 0.0
        else:
            raw = kp * error + ki * integral - kd * (read - last) / STEP_S * 0.2
            if 0.0 < raw < 1.0 or (raw >= 1.0 and error < 0.0) or (raw <= 0.0 and error > 0.0):
                integral += error * STEP_S
            u = min(max(kp * error + ki * integral - kd * (read - last) / STEP_S * 0.2, 0.0), 1.0)
        last = read
        duty[i] = u
        if stuck[i] > 0.0:
            u = 1.0
        flow = (core - body) * core_mass / core_s
        core += (u * full_w * power[i] - flow) / core_mass * STEP_S
        body += (flow - loss * (1.0 + extra[i]) * (body - room[i])) / block * STEP_S
        sensor += (body - sensor) / sensor_s * STEP_S
        shown[i] = read
    state[:] = np.array([core, body, sensor, integral, last, on, wander])
    return shown, duty
