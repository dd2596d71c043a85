package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/** Who may administer the gateway. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.admin")
public interface AdminConfig {
    /**
     * What a request below {@code /admin} must bring as {@code Authorization: Bearer}. Without one, only requests of this machine are
     * answered. Default: none.
     */
    Optional<String> token();
}
