"""Mutation testing of `domain/`: does some test fail when a rule is changed? (docs/mutation.md)"""
