package dev.sluice.access;

/** Fired when certificates have been revoked that were not before; observers are called on the thread that reads the lists. */
public record RevocationsChanged() {}
