"""Text is escaped wherever it stands."""

from descend.plots.element import tag


def test_text_and_attributes_are_escaped_alike():
    assert str(tag("a", "<b>", href='"x"')) == '<a href="&quot;x&quot;">&lt;b&gt;</a>'
    assert str(tag("a", "\u202ea\u2067\x00")) == "<a>\ufffda\ufffd\ufffd</a>"


def test_children_and_attributes_keep_their_order_and_none_is_left_out():
    element = tag("p", "a", None, tag("br"), "b", class_="c", data_x=None, font_size=11.5)
    assert str(element) == '<p class="c" font-size="11.5">a<br/>b</p>'
