"""What a model costs before anybody trains it: closed forms beside a counter of the built model."""
