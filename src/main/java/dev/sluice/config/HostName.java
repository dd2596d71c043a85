package dev.sluice.config;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.eclipse.microprofile.config.spi.ConfigSource;

/**
 * The property {@code HOSTNAME} where no environment variable has it, as few service managers export it: the name of this machine. One that
 * every machine has gets a number that this run alone has. Immutable.
 */
public final class HostName implements ConfigSource {
    private static final String PROPERTY = "HOSTNAME";
    private static final Path LINUX = Path.of("/proc/sys/kernel/hostname");
    private static final Set<String> OF_ALL = Set.of("", "localhost", "localhost.localdomain", "(none)");

    private final String value = unique(read());

    /** The machine's own name, empty if it has none. */
    private static String read() {
        try {
            // Without a question to DNS, which may take long.
            if (Files.isReadable(LINUX)) return Files.readString(LINUX).strip();
            return InetAddress.getLocalHost().getHostName();
        } catch (IOException _) {
            return "";
        }
    }

    static String unique(String name) {
        if (!OF_ALL.contains(name)) return name;
        return "sluice-%08x".formatted(ThreadLocalRandom.current().nextInt());
    }

    @Override
    public String getValue(String property) {
        return PROPERTY.equals(property) ? value : null;
    }

    /** It is not listed, so that a build keeps nothing of the machine that it runs on. */
    @Override
    public Set<String> getPropertyNames() {
        return Set.of();
    }

    @Override
    public String getName() {
        return "the name of this machine";
    }

    /** Below everything else. */
    @Override
    public int getOrdinal() {
        return Integer.MIN_VALUE + 1000;
    }
}
