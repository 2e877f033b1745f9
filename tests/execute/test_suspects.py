from actor18m.execute.suspects import Suspects


def test_what_was_in_flight_at_a_death_begins_alone_once() -> None:
    suspects = Suspects({("look", "a"): 1}, ())
    assert suspects.begins_alone(("look", "a"))
    assert not suspects.begins_alone(("look", "a"))
    assert not suspects.begins_alone(("look", "b"))


def test_of_a_stage_that_waits_from_the_second_death_on() -> None:
    suspects = Suspects({("asked", "a"): 1, ("asked", "b"): 2, ("look", "a"): 1}, {"asked"})
    alone = [work for work in (("asked", "a"), ("asked", "b"), ("look", "a")) if suspects.begins_alone(work)]
    assert alone == [("asked", "b"), ("look", "a")]
