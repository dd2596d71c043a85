package dev.sluice.admin;

/**
 * Who has sent a request. Immutable.
 *
 * @param name for the account; null if only the request itself says who it is
 */
record Administrator(String name, Role role) {
    /** One that proves with the configured token, or by being on this machine, that it may do everything. */
    static final Administrator UNNAMED = new Administrator(null, Role.ADMIN);
}
