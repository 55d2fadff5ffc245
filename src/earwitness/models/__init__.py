"""Networks (torch): SELD encoder, Conformer, multi-ACCDDOA head."""
