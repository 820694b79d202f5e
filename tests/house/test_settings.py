"""Settings by themselves: what is refused, and in which words."""

import pytest

from mock_sts.settings import SettingError, from_environ


def test_a_setting_in_other_letters_is_told() -> None:
    with pytest.raises(SettingError, match=r"mock_sts_port is no setting; did you mean MOCK_STS_PORT\?"):
        from_environ({"mock_sts_port": "1"})
    assert from_environ({"mock_sts_url": "a variable of another program"}).port == 8080
