"""What the user and the installation provide: settings, shipped files, and where things lie. It knows no run."""
