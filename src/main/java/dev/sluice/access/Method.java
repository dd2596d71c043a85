package dev.sluice.access;

/** How a client proves who it is; the configuration has these names in small letters. */
public enum Method {
    ANONYMOUS,
    PASSWORD,
    TOKEN,
    CERTIFICATE,
    SCRAM
}
