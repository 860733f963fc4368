"""What must hold after each step, asked of the machines."""
