# SPDX-License-Identifier: LGPL-3.0-or-later
import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.attribution import Agent, Attribution, attribution
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.tissue.death.combination import Interaction, combined_level, lethal_survival
from tests.outcome.meshes import cube, half_plane, sphere

HEAT = "arrhenius_hepg2"
STEEP_MM = 2.0


def ball(radius_mm: float) -> float:
    return 4.0 / 3.0 * np.pi * radius_mm**3


def distance(domain: Domain, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    return np.linalg.norm(domain.points_in_space_mm - np.array(centre), axis=1)


def graded(level: np.ndarray) -> Agent:
    """An agent whose lethal share is exp(level)."""
    return Agent(HEAT, level, lethal_survival(HEAT) ** np.exp(level), lethal_survival(HEAT))


def certain(level: np.ndarray) -> Agent:
    """An agent that knows only dead and alive."""
    return Agent("nadir_40", level, np.where(level >= 0.0, 0.0, 1.0), lethal_survival("nadir_40"))


def even(domain: Domain, share: float) -> Agent:
    """An agent that does the same harm everywhere."""
    return graded(np.full(len(domain.points_mm), np.log(share)))


def zone_level(agents: dict[str, Agent], *interactions: Interaction) -> np.ndarray:
    """Level of what all agents kill."""
    levels = {name: one.level for name, one in agents.items()}
    survivals = {name: one.survival for name, one in agents.items()}
    lethal = {name: lethal_survival(one.model) for name, one in agents.items()}
    return combined_level(levels, survivals, lethal, interactions)


def of(agents: dict[str, Agent], *interactions: Interaction, target_mm: float | None = None) -> Attribution:
    domain, locator = cube()
    probe = Probe(domain, locator)
    if target_mm is None:
        return attribution(domain, probe, agents, zone_level(agents, *interactions), interactions)
    target = sphere(target_mm)
    samples = target.interior_samples(0.5)
    level = zone_level(agents, *interactions)
    return attribution(domain, probe, agents, level, interactions, target=samples, target_mm3=target.volume_mm3)


def test_one_agent_has_killed_its_whole_zone() -> None:
    domain, _ = cube()
    level = 12.0 - distance(domain)
    found = of({"heat": graded(level)})
    zone = ablation_zone(domain, level, np.array([0.0, 0.0, 1.0]))
    assert set(found.region.volumes_mm3) == {"heat"}
    assert found.region.killed_mm3 == pytest.approx(zone.tissue_volume_mm3, rel=2e-3)


def test_agents_that_are_each_enough_share_their_overlap() -> None:
    domain, _ = cube()
    agents = {"heat": certain(12.0 - distance(domain)), "cold": certain(8.0 - distance(domain))}
    by = of(agents).region.volumes_mm3
    assert set(by) == {"heat", "heat + cold"}
    assert by["heat + cold"] == pytest.approx(ball(8.0), rel=0.02)
    assert by["heat"] == pytest.approx(ball(12.0) - ball(8.0), rel=0.02)


def test_every_agent_alone_is_reported_whatever_others_do() -> None:
    domain, _ = cube()
    agents = {"heat": graded(9.0 - distance(domain)), "drug": graded(9.0 - distance(domain, (6.0, 0.0, 0.0)))}
    kill = of(agents).region
    lens = np.pi * (18.0 - 6.0) ** 2 * (6.0**2 + 4 * 6.0 * 9.0) / (12 * 6.0)  # of two equal balls, 6 mm apart
    assert kill.alone_mm3("heat") == pytest.approx(ball(9.0), rel=0.02)
    assert kill.volumes_mm3["heat + drug"] == pytest.approx(lens, rel=0.03)
    assert kill.killed_mm3 == pytest.approx(sum(kill.volumes_mm3.values()))


@pytest.mark.parametrize("axisymmetric", [False, True])
def test_what_only_the_combination_kills_is_a_shell_of_known_thickness(axisymmetric: bool) -> None:
    """Half a lethal share everywhere lets heat kill down to half of its own."""
    domain = half_plane() if axisymmetric else cube()[0]
    probe = Probe(domain, cube()[1])
    heat = graded((9.0 - distance(domain)) / STEEP_MM)
    agents = {"heat": heat, "drug": even(domain, 0.5)}
    kill = attribution(domain, probe, agents, zone_level(agents)).region
    outer = 9.0 + STEEP_MM * np.log(2.0)
    assert kill.volumes_mm3["heat"] == pytest.approx(ball(9.0), rel=0.02)
    assert kill.volumes_mm3["combination"] == pytest.approx(ball(outer) - ball(9.0), rel=0.03)
    assert kill.contributions["heat"] + kill.contributions["drug"] == pytest.approx(1.0)
    assert 0.5 < kill.contributions["heat"] < 0.67


def test_synergy_widens_the_combination_by_its_law() -> None:
    domain, _ = cube()
    agents = {"heat": graded((9.0 - distance(domain)) / STEEP_MM), "drug": even(domain, 0.5)}
    kill = of(agents, Interaction(("drug", "heat"), 1.0)).region
    # h + 0.5 + sqrt(0.5 h) = 1 for the root x = sqrt(h)
    root = (-np.sqrt(0.5) + np.sqrt(0.5 + 2.0)) / 2.0
    outer = 9.0 - STEEP_MM * np.log(root**2)
    assert kill.volumes_mm3["combination"] == pytest.approx(ball(outer) - ball(9.0), rel=0.02)


def test_agents_of_dead_and_alive_do_not_combine() -> None:
    domain, _ = cube()
    agents = {"heat": even(domain, 0.9), "cold": certain(9.0 - distance(domain))}
    assert set(of(agents).region.volumes_mm3) == {"cold"}


def test_the_target_and_the_rest_make_the_whole() -> None:
    domain, _ = cube()
    agents = {"heat": graded((9.0 - distance(domain)) / STEEP_MM), "drug": even(domain, 0.5)}
    found = of(agents, target_mm=6.0)
    section = found.section
    assert section["target"] is not None
    assert section["target"]["by_ml"] == {"heat": pytest.approx(ball(6.0) / 1000.0, rel=0.01)}
    assert section["target_volume_ml"] == pytest.approx(ball(6.0) / 1000.0, rel=0.01)
    whole = found.region.killed_mm3 / 1000.0
    assert section["target"]["killed_ml"] + section["outside"]["killed_ml"] == pytest.approx(whole)
    survivals = section["target_mean_survival"]
    assert survivals["drug"] == pytest.approx(np.exp(-0.5), rel=1e-3)
    assert survivals["combined"] == pytest.approx(survivals["heat"] * survivals["drug"], rel=1e-3)
    assert section["law"] == "independent action"


def test_a_chosen_interaction_is_told() -> None:
    domain, _ = cube()
    section = of({"heat": even(domain, 0.5), "drug": even(domain, 0.3)}, Interaction(("heat", "drug"), 3.0)).section
    assert section["law"] == "interaction"
    assert section["interactions"] == [{"between": ["heat", "drug"], "strength": 3.0}]
    assert section["target"] is None


def test_what_was_measured_more_finely_in_the_target_leaves_nothing_negative_outside() -> None:
    domain, _ = cube()
    found = of({"heat": graded(5.0 - distance(domain))}, target_mm=8.0)
    assert all(volume >= 0.0 for volume in found.section["outside"]["by_ml"].values())


def test_points_are_told_apart_by_what_killed_there() -> None:
    domain, locator = cube()
    found = of({"heat": graded((9.0 - distance(domain)) / STEEP_MM), "drug": even(domain, 0.5)})
    points = np.array([[0.0, 0.0, 0.0], [9.7, 0.0, 0.0], [15.0, 0.0, 0.0], [90.0, 0.0, 0.0]])
    names = list(found.region.volumes_mm3)
    assert names == ["heat", "combination"]
    assert found.classes_at(Probe(domain, locator), points, names).tolist() == [1, 2, 0, 0]
    assert found.classes_at(Probe(domain, locator), points, ["combination"]).tolist() == [0, 1, 0, 0]


def test_classes_add_up_to_the_zone_also_where_agents_that_do_not_combine_meet() -> None:
    domain, _ = cube()
    agents = {
        "heat": certain(9.0 - distance(domain, (-8.0, 0.0, 0.0))),
        "cold": certain(9.0 - distance(domain, (8.0, 0.0, 0.0))),
    }
    kill = of(agents).region
    zone = ablation_zone(domain, zone_level(agents), np.array([0.0, 0.0, 1.0]))
    assert set(kill.volumes_mm3) == {"heat", "cold", "heat + cold"}
    assert kill.killed_mm3 == pytest.approx(zone.tissue_volume_mm3, rel=2e-3)
