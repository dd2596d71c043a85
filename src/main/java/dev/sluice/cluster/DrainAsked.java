package dev.sluice.cluster;

/**
 * Somebody has asked that this gateway lets its clients go while its process stays, or takes it back. An event of CDI; immutable.
 *
 * @param drains false if clients may come and stay again
 */
public record DrainAsked(boolean drains) {}
