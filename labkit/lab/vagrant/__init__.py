"""Three virtual machines through Vagrant, on whichever hypervisor it finds."""
