"""Tests of a group run in one process: what they share is made once."""

import pytest

from tests.conftest import group_of, name_after_group


def test_the_name_of_a_test_ends_with_its_group(request):
    """Written by another plugin, where a later pytest may not look: that must not go unnoticed."""
    one = pytest.Function.from_parent(request.node.parent, name=request.node.name, callobj=lambda: None)
    name_after_group(one)
    assert "@" not in one.nodeid
    one.add_marker(pytest.mark.xdist_group("kernels"))
    for _ in range(2):
        name_after_group(one)
        assert one.nodeid == f"{request.node.parent.nodeid}::{request.node.name}@kernels"


def test_several_processes_know_all_groups(request):
    """In one process no name has to end with a group."""
    several = getattr(request.config.option, "loadgroup", False)
    for item in request.session.items:
        group = group_of(item)
        assert item.nodeid.endswith(f"@{group}") == bool(several and group)
