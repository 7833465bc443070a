"""What a study is asked to do: TOML in, validated and frozen data out."""
