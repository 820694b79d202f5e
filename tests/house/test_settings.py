"""Settings by themselves: what is refused, and in which words."""

import pytest

from mock_sts.settings import SettingError, from_environ


def test_a_setting_in_other_letters_is_told() -> None:
    with pytest.raises(SettingError, match=r"mock_sts_port is no setting; did you mean MOCK_STS_PORT\?"):
        from_environ({"mock_sts_port": "1"})
    assert from_environ({"mock_sts_url": "a variable of another program"}).port == 8080


@pytest.mark.covers("text.byte-order-mark")
def test_the_first_variable_of_an_env_file_may_begin_with_a_byte_order_mark() -> None:
    assert from_environ({"\ufeffMOCK_STS_PORT": "1"}).port == 1
    assert from_environ({"\ufeffMOCK_STS_PORT": "1", "MOCK_STS_PORT": "2"}).port == 2
    with pytest.raises(SettingError, match="MOCK_STS_PRT is no setting"):
        from_environ({"\ufeffMOCK_STS_PRT": "1"})
