"""What a run would do: all that is mapped, compared with what earlier runs left and what people did here."""
