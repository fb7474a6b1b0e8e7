"""Run-time checks of steady states, computed from their stored fields apart from the solver.

Each returns a number that must stay below its limit; a result that fails is still returned, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perotwin.constants import elementary_charge as Q
from perotwin.measurement.checks import Check, Checks, check, worst
from perotwin.stack import Stack, Tandem
from perotwin.transport import device as dv
from perotwin.transport.device import State
from perotwin.transport.isolated import balance_check, field_check
from perotwin.transport.junction import Junction
from perotwin.transport.profiles import (
    Profiles,
    drive,
    junction_profiles,
    log_activity,
    symmetric_flux,
    trap_rate,
)
from perotwin.transport.radiative_limit import splitting_within_light
from perotwin.transport.states import JunctionStates, States

if TYPE_CHECKING:
    from perotwin.transport.build import Problem

F64 = NDArray[np.float64]

#: allowed change of the current along x, relative to the larger of the current and the photocurrent
CURRENT_LIMIT = 1e-6
#: allowed imbalance of contact currents, generation and recombination, on the same scale
BALANCE_LIMIT = 1e-8
#: allowed imbalance of Gauss' law, relative to the largest displacement
GAUSS_LIMIT = 1e-8
#: allowed relative change of the number of ions
ION_LIMIT = 1e-8
#: V by which the junctions of a tandem may miss the terminal voltage
VOLTAGE_LIMIT = 1e-7
_ROUNDING = 16.0 * np.finfo(float).eps


def noise_floor(states: JunctionStates, fields: Profiles) -> F64:
    """Float64 round-off of the current of each edge (K, E), A m^-2: 16 eps q mu n kT / (q h), the larger carrier."""
    device, vt = states.junction.device, states.junction.vt
    layer, e = fields.layer, fields.edge
    mu_n, mu_p = device.layer[layer[e], dv.MU_N], device.layer[layer[e], dv.MU_P]
    n = mu_n * np.maximum(fields.electron_density[:, e], fields.electron_density[:, e + 1])
    p = mu_p * np.maximum(fields.hole_density[:, e], fields.hole_density[:, e + 1])
    return np.asarray(_ROUNDING * Q * vt * np.maximum(n, p) / device.spacing[e])


def photocurrent(states: JunctionStates) -> F64:
    """(K,) all pairs that light makes in a junction, that of another layer included, A m^-2."""
    photo = np.full(states.voltage.size, Q * states.intensity * float(states.junction.generation.sum()))
    return photo if states.coupled is None else photo + Q * states.coupled.sum(axis=1)


def constancy(states: JunctionStates, fields: Profiles, made: F64) -> Check:
    """Largest departure of the current along x from its mean, and of the terminal current from that mean.

    made: (K,) A m^-2, the largest `photocurrent` of what carries one current: a junction that no light reaches passes
    what the others leave it, which may be nothing beside theirs.
    """
    total = fields.electron_current + fields.hole_current
    floor = noise_floor(states, fields)
    # edges whose flux carries no rounding decide the mean
    weight = 1.0 / (floor + floor.min(axis=1, keepdims=True) + 1e-300)
    mean = (total * weight).sum(axis=1) / weight.sum(axis=1)
    allowed = CURRENT_LIMIT * np.maximum(np.abs(mean), made)[:, None] + floor
    sign = -1.0 if states.junction.device.anode_front else 1.0
    terminal = np.abs(states.current + states.shunt - sign * mean)
    worst = np.abs(total - mean[:, None]) / np.maximum(allowed, 1e-300)
    # the terminal current is stored with the shunt's, whose round-off it carries
    beside = _ROUNDING * np.abs(states.shunt)
    at_terminal = terminal / np.maximum(allowed.min(axis=1) + beside, 1e-300)
    return check(_largest(states, worst, at_terminal) * CURRENT_LIMIT, CURRENT_LIMIT)


def balance(states: JunctionStates, fields: Profiles) -> Check:
    """Electrons' current at one contact minus that at the other against q times generation minus recombination.

    Every rate is computed here again from the stored densities and quasi-Fermi levels.
    """
    problem, device = states.junction, states.junction.device
    node_source = _per_node(problem, (fields.generation - fields.recombination) * device.volume)
    # a rate at a face is the difference of what passes both ways, and hangs on differences of the potential
    rounding = np.zeros(states.voltage.size)
    for t, site in enumerate(device.face_trap_site):
        rate, gross = face_rate(states, fields, t)
        node_source[:, problem.site_node[site]] -= rate
        rounding += gross
    # the balance of each inner node, in amperes per area, summed over any stretch of the cell
    emission = _thermionic(states, fields)
    jn = _node_edges(problem, fields.electron_current, emission[0])
    jp = _node_edges(problem, fields.hole_current, emission[1])
    floor = _node_edges(problem, noise_floor(states, fields), emission[2])
    scale = BALANCE_LIMIT * np.maximum(np.abs(states.current), photocurrent(states))
    ratios = []
    rounding = rounding * np.abs(states.psi).max(axis=1) + np.abs(node_source).sum(axis=1)
    for flux, sign in ((jn, 1.0), (jp, -1.0)):
        residual = np.cumsum(np.diff(flux, axis=1) + sign * Q * node_source[:, 1:-1], axis=1)
        allowed = scale[:, None] + floor[:, :1] + floor[:, 1:] + _ROUNDING * Q * rounding[:, None]
        ratios.append(np.abs(residual) / np.maximum(allowed, 1e-300))
    return check(_largest(states, *ratios) * BALANCE_LIMIT, BALANCE_LIMIT)


def _largest(states: JunctionStates | States, *values: F64) -> float:
    """The largest entry of converged points; NaN if one is not a number, which max() would pass over."""
    return float(np.max([np.max(value[states.converged], initial=0.0) for value in values]))


def _per_node(problem: Junction, values: F64) -> F64:
    """Sums over the sites of each node, (K, S) to (K, N): the two sites of a face belong to one node."""
    return np.add.reduceat(values, problem.node_site, axis=1)


def _at_face(states: JunctionStates, fields: Profiles, t: int) -> tuple[F64, F64, F64, F64]:
    """Carriers of both sides together at face trap t, n, p, n1 and p1, each (K,), m^-3."""
    device, vt = states.junction.device, states.junction.vt
    s, row = int(device.face_trap_site[t]), device.face_trap[t]
    n = fields.electron_density[:, s] + fields.electron_density[:, s + 1]
    p = fields.hole_density[:, s] + fields.hole_density[:, s + 1]
    n1, p1 = np.zeros(n.size), np.zeros(n.size)
    for side, (column_n, column_p) in enumerate(((dv.F_N1L, dv.F_P1L), (dv.F_N1R, dv.F_P1R))):
        degenerate = np.array(device.layer[fields.layer[s + side], dv.DEGENERATE] != 0.0)
        eta_n = (fields.electron_fermi_level[:, s] - fields.conduction_band[:, s + side]) / vt
        eta_p = (fields.valence_band[:, s + side] - fields.hole_fermi_level[:, s]) / vt
        n1 += row[column_n] * np.exp(log_activity(eta_n, degenerate))
        p1 += row[column_p] * np.exp(log_activity(eta_p, degenerate))
    return n, p, n1, p1


def face_rate(states: JunctionStates, fields: Profiles, t: int) -> tuple[F64, F64]:
    """Rate of one face trap (K,), m^-2 s^-1, from the stored fields, and what it is the difference of."""
    device, vt = states.junction.device, states.junction.vt
    s, row = int(device.face_trap_site[t]), device.face_trap[t]
    n, p, n1, p1 = _at_face(states, fields, t)
    split = (fields.electron_fermi_level[:, s] - fields.hole_fermi_level[:, s]) / vt
    velocities = float(row[dv.F_SN]), float(row[dv.F_SP])
    rate, _ = trap_rate(n, p, drive(n, p, split), *velocities, n1, p1)
    gross, _ = trap_rate(n, p, n * p, *velocities, n1, p1)
    return rate, gross


def _node_edges(problem: Junction, values: F64, at_faces: F64) -> F64:
    """Edge values (K, E) in node order (K, N - 1); `at_faces` (K, B) stands between the nodes of thermionic faces."""
    device, layer = problem.device, problem.site_layer
    last = np.append(layer[1:] != layer[:-1], True)
    edge = np.flatnonzero(~last)
    out = np.empty((values.shape[0], device.x.size - 1))
    out[:, problem.site_node[edge]] = values
    out[:, problem.site_node[device.barrier_site]] = at_faces
    return out


def _thermionic(states: JunctionStates, fields: Profiles) -> tuple[F64, F64, F64]:
    """Electrons' and holes' currents over thermionic faces and their round-off, each (K, B), A m^-2.

    A carrier leaves the higher band at its thermal velocity and meets as many as the other side's level sends:
    q v N_top exp(-+d/2) 2 sinh(d/2), with d the step of the quasi-Fermi level.
    """
    problem, device = states.junction, states.junction.device
    shape = (states.voltage.size, device.barrier_site.size)
    jn, jp, floor = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for b, s in enumerate(device.barrier_site):
        i = int(problem.site_node[s])
        speed_n, speed_p, jump_c, jump_v = device.barrier[b]
        d = _step(states.fn, states.fn_rest, i)
        top = Q * speed_n * fields.electron_density[:, s + (jump_c > 0.0)]
        jn[:, b] = top * np.exp(-0.5 * d if jump_c > 0.0 else 0.5 * d) * 2.0 * np.sinh(0.5 * d)
        floor[:, b] = _ROUNDING * top
        d = _step(states.fp, states.fp_rest, i)
        top = Q * speed_p * fields.hole_density[:, s + (jump_v < 0.0)]
        jp[:, b] = top * np.exp(0.5 * d if jump_v < 0.0 else -0.5 * d) * 2.0 * np.sinh(0.5 * d)
        floor[:, b] = np.maximum(floor[:, b], _ROUNDING * top)
    return jn, jp, floor


def _step(level: F64, rest: F64, node: int) -> F64:
    """(K,) step of a quasi-Fermi level from a node to the next, kT."""
    return np.asarray((level[:, node + 1] - level[:, node]) + (rest[:, node + 1] - rest[:, node]))


def gauss(states: JunctionStates, fields: Profiles) -> Check:
    """Displacement at the two ends against the charge between, relative to the largest displacement.

    The round-off of the potential and of the densities, which hang on it, is allowed beside: with flat bands there is
    nothing else. Over a thermionic face, which holds no charge, the displacement is carried from its left.
    """
    problem, device, vt = states.junction, states.junction.device, states.junction.vt
    eps = device.layer[fields.layer[fields.edge], dv.EPS] / vt  # times V/m gives charge per area, units of q
    displacement = _node_edges(
        problem, fields.electric_field * eps, np.zeros((states.voltage.size, device.barrier_site.size))
    )
    charge = _per_node(problem, fields.charge * device.volume)
    for t, site in enumerate(device.face_trap_site):
        kind, density = device.face_trap[t, dv.F_KIND], device.face_trap[t, dv.F_NT]
        if kind != 0.0:
            charge[:, problem.site_node[site]] += _face_charge(states, fields, t, kind, density)
    for node in problem.site_node[device.barrier_site]:
        displacement[:, node] = displacement[:, node - 1] + charge[:, node]
    residual = np.cumsum(np.diff(displacement, axis=1) - charge[:, 1:-1], axis=1)
    size = np.maximum(np.abs(displacement).max(axis=1), np.abs(charge[:, 1:-1]).max(axis=1))
    rounding = _ROUNDING * np.abs(states.psi).max(axis=1)[:, None]
    steep = _node_edges(problem, (eps * vt / device.spacing[fields.edge])[None], np.zeros((1, 1)))
    carriers = (
        fields.electron_density + fields.hole_density + fields.ion_density + np.abs(device.fixed_charge)
    )
    within = np.cumsum(_per_node(problem, carriers * device.volume)[:, 1:-1], axis=1)
    floor = rounding * (steep[:, :1] + steep[:, 1:] + within)
    worst = np.abs(residual) / np.maximum(GAUSS_LIMIT * size[:, None] + floor, 1e-300)
    return check(_largest(states, worst) * GAUSS_LIMIT, GAUSS_LIMIT)


def _face_charge(states: JunctionStates, fields: Profiles, t: int, kind: float, density: float) -> F64:
    """Charge that one face trap holds (K,), units of q, m^-2."""
    row = states.junction.device.face_trap[t]
    n, p, n1, p1 = _at_face(states, fields, t)
    _, occupied = trap_rate(n, p, n, float(row[dv.F_SN]), float(row[dv.F_SP]), n1, p1)
    return density * (1.0 - occupied) if kind > 0.0 else -density * occupied


def ion_number(states: JunctionStates, fields: Profiles) -> Check | None:
    """Relative change of the number of mobile ions; None where there are none."""
    worst: list[F64] = []
    for m, layer in enumerate(states.junction.stack.electrical_layers):
        if layer.ions is None:
            continue
        species = [layer.ions, *([layer.ions.second] if layer.ions.second is not None else [])]
        wanted = sum(float(ion.density) for ion in species) * float(layer.thickness)
        if wanted == 0.0:
            continue
        here = fields.layer == m
        number = (fields.ion_density[:, here] * states.junction.device.volume[here]).sum(axis=1)
        worst.append(np.abs(number / wanted - 1.0))
    return check(_largest(states, *worst), ION_LIMIT) if worst else None


def steady_checks(states: States, fields: Profiles | None = None) -> Checks:
    """All checks that steady states can be put to, by name; of a cell of several junctions the worst of each name.

    `fields` are those of the states of one junction, where they are known.
    """
    made = [junction_profiles(part) if fields is None else fields for part in states.parts]
    lit = np.max([photocurrent(part) for part in states.parts], axis=0)
    found = worst(_steady_checks(part, one, lit) for part, one in zip(states.parts, made, strict=True))
    if len(states.parts) > 1 or states.junction_voltages:
        found |= circuit_checks(states, made)
    return found


def circuit_checks(states: States, fields: Sequence[Profiles]) -> Checks:
    """Kirchhoff's laws: that the voltages of a cell's junctions add up to the terminals', and currents at each node.

    Junction voltages are found again from the stored potential at the contacts (and, where junctions are one mesh, from
    the quasi-Fermi levels on either side of the face), currents from the fluxes along x, and what is lost in series
    from the resistances that the cell states.

    Args:
        states: of a cell of several junctions. fields: of each of its parts.
    """
    problem, cell, parts = states.problem, states.problem.stack, states.parts
    series = 0.0
    if isinstance(cell, Tandem):
        series = sum(float(joint.resistance) for joint in cell.joints if joint.kind == "resistive")
    cells: Mapping[str, Any] = cell.cells if isinstance(cell, Tandem) else {"": cell}
    told, sums, apart, spread = states.junction_voltages, -states.voltage, [], []
    currents, allowed = [], np.zeros(states.voltage.size)
    for group in problem.groups:
        total, voltages = np.zeros(states.voltage.size), []
        for part in group.parts:
            own = parts[part]
            current, floor = _through(own, fields[part])
            across = _from_potential(own)
            circuit = own.junction.stack.circuit
            if circuit.shunt is not None:
                current = current - across / circuit.shunt
            lost = float(circuit.series_resistance)
            if len(group.parts) == 1 or (problem.homes and isinstance(cells.get(group.name), Stack)):
                # one for the whole area, even or not
                series, lost = series + (lost if part == group.parts[0] else 0.0), 0.0
            area = float(problem.areas[part])
            total = total + area * current
            allowed = allowed + area * (
                CURRENT_LIMIT * np.maximum(np.abs(current), photocurrent(own)) + floor
            )
            voltages.append(across - lost * current)
        currents.append(total)
        sums = sums + voltages[0]
        spread += [np.abs(one - voltages[0]) for one in voltages[1:]]
        halves = parts[group.parts[0]].junction.halves
        if halves:
            found = _halves(parts[group.parts[0]], fields[group.parts[0]])
            apart += [np.abs(found[name] - told[name]) for name in halves]
        elif group.name:
            apart.append(np.abs(voltages[0] - told[group.name]))
    sums = sums - series * currents[0]
    if told:
        apart.append(np.abs(sum(told.values()) - 2.0 * told["between"] - states.voltage))
    checks = {
        "junction voltages sum to the terminal's (V)": check(
            _largest(states, np.abs(sums), *apart, *spread), VOLTAGE_LIMIT
        )
    }
    if len(currents) > 1:
        others = (*currents[1:], states.current)
        ratio = [np.abs(one - currents[0]) / np.maximum(allowed, 1e-300) for one in others]
        checks["junctions carry one current"] = check(_largest(states, *ratio) * CURRENT_LIMIT, CURRENT_LIMIT)
    return checks


def _from_potential(states: JunctionStates) -> F64:
    """(K,) V between a junction's contacts: how far the potential between them is from that at equilibrium."""
    device = states.junction.device
    step = states.psi[:, 0] - states.psi[:, -1] - (device.contact[0, dv.C_PSI] - device.contact[1, dv.C_PSI])
    return np.asarray(device.vt * (step if device.anode_front else -step))


def _through(states: JunctionStates, fields: Profiles) -> tuple[F64, F64]:
    """(K,) current along x as the terminals count it, A m^-2, from the edges whose flux carries least rounding; and
    that rounding.
    """
    floor = noise_floor(states, fields)
    weight = 1.0 / (floor + floor.min(axis=1, keepdims=True) + 1e-300)
    mean = ((fields.electron_current + fields.hole_current) * weight).sum(axis=1) / weight.sum(axis=1)
    return (-mean if states.junction.device.anode_front else mean), floor.min(axis=1)


def _halves(states: JunctionStates, fields: Profiles) -> dict[str, F64]:
    """(K,) V of junctions that are one mesh, from the levels of the carriers that each brings to its neighbours."""
    junction, across = states.junction, _from_potential(states)
    sites = np.array(junction.between)
    # the site in front of a face and the one behind it are one node; energies count from the cathode's level
    up, down = fields.electron_fermi_level[:, sites].T, fields.hole_fermi_level[:, sites + 1].T
    if junction.device.anode_front:
        high, low = [*up, np.zeros_like(across)], [-across, *down]
    else:
        high, low = [np.zeros_like(across), *up], [*down, -across]
    return {name: top - bottom for name, top, bottom in zip(junction.halves, high, low, strict=True)}


def _isolated(states: JunctionStates, fields: Profiles) -> Checks:
    """What holds besides where no metal and no contact is at either end."""
    problem, device = states.junction, states.junction.device
    charge = _per_node(problem, fields.charge * device.volume)
    faces = np.zeros(states.voltage.size)
    for t, site in enumerate(device.face_trap_site):
        faces += face_rate(states, fields, t)[0]
        kind, density = device.face_trap[t, dv.F_KIND], device.face_trap[t, dv.F_NT]
        if kind != 0.0:
            charge[:, problem.site_node[site]] += _face_charge(states, fields, t, kind, density)
    found = {"no field beyond the sample (V)": field_check(states, fields, charge)}
    if states.intensity > 0.0:
        found["all that is generated recombines"] = balance_check(states, fields, faces)
    return found


def _steady_checks(states: JunctionStates, fields: Profiles, lit: F64) -> Checks:
    found: Checks = {
        "current constant along x": constancy(states, fields, lit),
        "contact currents balance generation and recombination": balance(states, fields),
        "Gauss' law": gauss(states, fields),
    }
    if states.junction.isolated:
        found |= _isolated(states, fields)
    ions = ion_number(states, fields)
    if ions is not None:
        found["ion number conserved"] = ions
    within = splitting_within_light(states, fields, noise_floor(states, fields).min(axis=1))
    if within is not None:
        found["splitting that emits above the limit of its light (V)"] = within
    return found


def optical_checks(problem: Problem) -> Checks:
    """Checks of the light: what the optics found, and the radiative limit against the cell's own absorptance.

    The radiative limit of the equations (their radiative coefficients at work alone) must not lie above the one that
    the absorptance allows, kT/q ln(Jph / J0) with J0 what the cell emits. Of a cell of several stacks the worst.
    """
    return worst([problem.checks or {}, *(_optical_checks(part) for part in problem.parts)])


def _optical_checks(problem: Junction) -> Checks:
    found: Checks = {}
    if problem.absorption is not None:
        found.update(problem.absorption.checks)
    if problem.emission is not None:
        found.update(problem.emission.checks)
        allowed = sum(part.escape for part in problem.emission.absorbers.values())
        used = radiative_current(problem)
        photo = problem.photocurrent
        if allowed > 0.0 and photo > 0.0:
            # equations without radiation have no radiative limit at all
            limit = np.log1p(photo / used) if used > 0.0 else np.inf
            excess = problem.vt * (limit - np.log1p(photo / allowed))
            found["radiative limit above that of the absorptance (V)"] = check(max(float(excess), 0.0), 1e-3)
    return found


def radiative_current(problem: Junction) -> float:
    """Radiative recombination at equilibrium (A m^-2) with the coefficients that the equations use."""
    device = problem.device
    rows = device.layer
    thickness = [float(layer.thickness) for layer in problem.stack.electrical_layers]
    return float(Q * np.sum(rows[:, dv.K_RAD] * rows[:, dv.NP_EQ] * thickness))


class CurrentInTime:
    """The total current (carriers, ions, displacement) along x, computed again from moments of one junction.

    Args:
        problem: whose device holds all ions as moving ones.
        motion: of the ions (`mobile_ions.motion_of`).
    """

    def __init__(self, problem: Junction, motion: F64) -> None:
        device, vt = problem.device, problem.vt
        layer, self._node = problem.site_layer, problem.site_node
        self._table = device.layer[layer]
        self._degenerate = np.tile(self._table[:, dv.DEGENERATE] != 0.0, 2)
        # the edges between sites of one layer
        e = self._edge = np.flatnonzero(layer[1:] == layer[:-1])
        h = device.spacing[e]
        self._eps = self._table[e, dv.EPS] / h
        self._scale_n, self._scale_p = vt * self._table[e, dv.MU_N] / h, vt * self._table[e, dv.MU_P] / h
        self._species = [
            (row[0], row[2], np.flatnonzero(layer[e] == int(row[3])), row[0] * row[1]) for row in motion
        ]
        self._h, self._volume = h, device.volume
        self._sign = -1.0 if device.anode_front else 1.0

    def departure(self, moment: State, rate: float, past_psi: F64, generated: float, current: float) -> float:
        """Departure of the current along x from the terminal one, over its allowance.

        Args:
            moment: the junction at the end of a time step.
            rate, past_psi: the step's time derivative of the potential, rate * psi - past_psi (kT/q per s; (N,)).
            generated: what the light generates, as a current, A m^-2.
            current: of the junction, A m^-2, positive = power out.

        Returns:
            The largest departure over CURRENT_LIMIT of the larger of the current and the photocurrent plus round-off;
            at most 1 in a sound result.
        """
        node, e, table = self._node, self._edge, self._table
        psi, v = moment.psi[node], float(moment.v[0])
        eta_n = psi + moment.fn[node] - table[:, dv.EC]
        eta_p = table[:, dv.EV] - psi - (moment.fp[node] - v)
        lgn, lgp = np.split(log_activity(np.concatenate((eta_n, eta_p)), self._degenerate), 2)
        n, p = np.exp(eta_n + table[:, dv.LN_NC] + lgn), np.exp(eta_p + table[:, dv.LN_NV] + lgp)

        def step(values: F64) -> F64:
            return values[e + 1] - values[e]

        def steps(level: F64, rest: F64) -> F64:
            return step(level[node]) + step(rest[node])

        dpsi = step(psi)
        most_n, most_p = np.maximum(n[e], n[e + 1]), np.maximum(p[e], p[e + 1])
        flux = self._scale_n * symmetric_flux(
            n[e], n[e + 1], dpsi + step(lgn), steps(moment.fn, moment.fn_rest)
        )
        flux -= self._scale_p * symmetric_flux(
            p[e], p[e + 1], -dpsi + step(lgp), -steps(moment.fp, moment.fp_rest)
        )
        for number, (z, sites, here, mobility) in enumerate(self._species):
            level = moment.level[number][node]
            eta = level - z * psi
            c = np.exp(np.minimum(eta, 600.0)) if sites == 0.0 else sites / (1.0 + sites * np.exp(-eta))
            crowd = np.log(c) - eta
            s = e[here]
            x = -z * dpsi[here] + crowd[s + 1] - crowd[s]
            flux[here] -= (
                mobility / self._h[here] * symmetric_flux(c[s], c[s + 1], x, level[s + 1] - level[s])
            )
        flux -= self._eps * (rate * dpsi - step(past_psi[node]))
        floor = _ROUNDING * Q * np.maximum(self._scale_n * most_n, self._scale_p * most_p)
        # the potential's own round-off, differenced in time
        floor += _ROUNDING * Q * self._eps * rate * np.abs(psi).max()
        # and that of the densities now and before, from potential and band edge in their exponents: what is stored
        # between an edge and the contact adds up
        exponents = ((n, table[:, dv.EC]), (p, table[:, dv.EV]))
        stored = sum(float(self._volume @ (one * (np.abs(psi) + np.abs(edge)))) for one, edge in exponents)
        floor += 2.0 * np.finfo(float).eps * Q * rate * stored
        allowed = CURRENT_LIMIT * max(abs(current), generated) + floor
        return float(np.max(np.abs(Q * self._sign * flux - current) / np.maximum(allowed, 1e-300)))
