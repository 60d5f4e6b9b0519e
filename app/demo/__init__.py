"""The demo: two schools full of people, loaded for show and for tests. Refused in production."""
