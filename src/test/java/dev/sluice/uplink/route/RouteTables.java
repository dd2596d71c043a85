package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig;
import dev.sluice.support.Table;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The tables of routes: sections of configuration, each with its cases. */
public final class RouteTables {
    private RouteTables() {}

    /** @param lines those that set no key, as they are */
    public record Section(String title, Map<String, String> keys, List<String> lines) {
        @Override
        public String toString() {
            return title;
        }
    }

    public static List<Section> read(String resource) {
        var sections = new ArrayList<Section>();
        Table.lines(resource).forEach(line -> {
            if (line.startsWith("== ")) {
                sections.add(new Section(line.substring(3), new HashMap<>(), new ArrayList<>()));
            } else if (line.contains("|") && line.split("\\|").length > 3 || line.startsWith("! ")) {
                sections.getLast().lines.add(line);
            } else {
                var parts = line.split("=", 2);
                sections.getLast()
                        .keys
                        .put(
                                "sluice.uplink." + parts[0].strip(),
                                Table.cells(parts[1]).getFirst());
            }
        });
        return sections;
    }

    /** The configuration as the gateway would read it. */
    public static UplinkConfig config(Map<String, String> keys) {
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(UplinkConfig.class)
                .withSources(new PropertiesConfigSource(keys, "case", 100))
                .build()
                .getConfigMapping(UplinkConfig.class);
    }
}
