"""What every call of the back channel passes: its form, the client's proof of who it is, DPoP, and details."""
