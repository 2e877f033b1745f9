"""A pipeline of the stage that reads every file, and no other: no model is needed."""

PIPELINE = """\
name: intake
profile: test
stages:
  - stage: stages.intake:Intake
policy:
  intake:
    seconds: {value: duration_s, at_least: 0.1}
"""
