package dev.sluice.support;

import dev.sluice.config.NodeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;

/** Makes the settings of one gateway among its like. Stateless. */
public final class NodeSettings {
    private NodeSettings() {}

    /** @param others keys below {@code sluice.node} and their values, in turns; all others are as by default */
    public static NodeConfig of(String id, String... others) {
        var builder = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withDefaultValue("sluice.node.id", id)
                .withMapping(NodeConfig.class);
        for (int i = 0; i < others.length; i += 2) builder.withDefaultValue("sluice.node." + others[i], others[i + 1]);
        return builder.build().getConfigMapping(NodeConfig.class);
    }
}
