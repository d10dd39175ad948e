"""Proves new instances on their own host before anybody's call goes to them: `python -m chassis.prove`.

An instance is proven when it says by its own id that it could work, answers the smoke calls of its release, and has
then run for a while as the process that it was.
"""
