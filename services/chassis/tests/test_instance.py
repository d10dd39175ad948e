"""Who an instance says that it is."""

import pytest
from chassis.instance import Instance
from nameko.exceptions import ConfigurationError


def test_on_a_developers_machine_it_is_named_after_its_service_and_admitted():
    instance = Instance.from_config({}, "airports_service")
    assert (instance.service, instance.release, instance.state()) == ("airports", "development", ("admitted", ""))
    assert instance.id.startswith("airports@")


@pytest.mark.parametrize("settings", [{}, None, "airports", {"id": "x", "service": "y"}])
def test_a_setting_that_is_not_whole_is_refused(settings):
    with pytest.raises(ConfigurationError, match="INSTANCE setting"):
        Instance.from_config({"INSTANCE": settings}, "airports_service")


def test_a_release_that_yaml_took_for_a_number_is_text():
    settings = {"id": "x", "service": "y", "release": 1.5}
    assert Instance.from_config({"INSTANCE": settings}, "y_service").release == "1.5"
