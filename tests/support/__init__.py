"""What tests share: a correct relying party with dials to misbehave, an emulator in the process, a live one."""
