"""References are named as reports name them."""

from descend.evaluation.reference import ReferenceModel


def test_the_words_are_those_that_people_read():
    assert [str(model) for model in ReferenceModel] == [
        "constant prediction",
        "exact linear model",
        "gradient boosted trees",
    ]
