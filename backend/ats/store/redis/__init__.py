"""Redis or Valkey: only what can be rebuilt, in one namespace per mode."""
