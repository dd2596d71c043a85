package dev.sluice.admin;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an administrator may do; each may do what those before it may. */
enum Role {
    /** Look at everything except secrets, which nobody may. */
    READ,
    /** Change routes, trace clients, end sessions. */
    OPERATE,
    /** Say who may do what. */
    ADMIN;

    static final String NAMES = Arrays.stream(values()).map(Role::text).collect(Collectors.joining(", "));

    static Optional<Role> of(String text) {
        return Arrays.stream(values()).filter(it -> it.text().equals(text)).findFirst();
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    boolean covers(Role needed) {
        return compareTo(needed) >= 0;
    }
}
