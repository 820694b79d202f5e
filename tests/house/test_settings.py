"""Settings by themselves: what is refused, and in which words."""

import pytest

from mock_sts.settings.settings import SettingError, from_environ


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


#: Tokens that no header can carry, and what is told of them; another one is another line.
NO_TOKENS = {
    "hemmelig-ø": "is a text with letters outside ASCII",
    "hemmelig\u2019s": "is a text with letters outside ASCII",
    "\ufeffhemmelig": "is a text with letters outside ASCII",
    "hemmelig\udcff": "is a text with letters outside ASCII",
    "hemmelig\n": "is a text with a line break",
    "hemm\relig": "is a text with a line break",
    "hemm\telig": "is a text with a line break or another control character",
    "hemm\0elig": "is a text with a line break or another control character",
    "hemmelig\x7f": "is a text with a line break or another control character",
    " hemmelig": "is a text with a space at its beginning or end",
    "hemmelig ": "is a text with a space at its beginning or end",
}


@pytest.mark.covers("text.admin-token")
@pytest.mark.parametrize("token", NO_TOKENS)
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingError) as refused:
        from_environ({"MOCK_STS_ADMIN_TOKEN": token})
    told = str(refused.value)
    assert told.startswith(f"MOCK_STS_ADMIN_TOKEN {NO_TOKENS[token]}")
    assert "but must be one that a header can carry" in told
    assert "hemm" not in told


@pytest.mark.parametrize("token", ["hemmelig", "a b", "-._~+/=", "!#$%&'()*,:;<>?@[]^`{|}\"\\", "x" * 1000])
def test_a_token_that_a_header_can_carry_is_taken_and_not_shown_either(token: str) -> None:
    settings = from_environ({"MOCK_STS_ADMIN_TOKEN": token})
    assert settings.admin_token == token
    assert token not in repr(settings)


def test_a_setting_that_is_no_text_is_told() -> None:
    with pytest.raises(SettingError, match=r"MOCK_STS_DEFAULT_PERSONA is '.udcff', but must be text in UTF-8"):
        from_environ({"MOCK_STS_DEFAULT_PERSONA": "\udcff"})
