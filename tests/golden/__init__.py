"""Files of the first released formats; every later version must read them as they are."""
