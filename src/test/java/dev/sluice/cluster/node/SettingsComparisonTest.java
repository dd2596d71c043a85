package dev.sluice.cluster.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.AccessConfig;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.RelayConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.node.NodeDirectory;
import dev.sluice.store.node.NodeSettings;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Gateways that are not configured alike. */
@Tag("postgres")
class SettingsComparisonTest {
    private MemberRig rig;
    private Member a;
    private Member b;

    @BeforeEach
    void start() {
        rig = new MemberRig();
        a = rig.entered("a", Duration.ofMinutes(1));
        b = rig.entered("b", Duration.ofMinutes(1));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    /** @param values keys and their values, in turns */
    private static FleetSettings settings(String... values) {
        var builder = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withDefaultValue("HOSTNAME", "host")
                .withDefaultValue("quarkus.http.port", "8080")
                .withMapping(NodeConfig.class)
                .withMapping(RelayConfig.class)
                .withMapping(MqttConfig.class)
                .withMapping(StoreConfig.class)
                .withMapping(UplinkConfig.class)
                .withMapping(DownlinkConfig.class)
                .withMapping(AccessConfig.class)
                .withMapping(RulesConfig.class)
                .withValidateUnknown(false);
        for (int i = 0; i < values.length; i += 2) builder.withDefaultValue(values[i], values[i + 1]);
        var config = builder.build();
        return new FleetSettings(
                config.getConfigMapping(NodeConfig.class),
                config.getConfigMapping(RelayConfig.class),
                config.getConfigMapping(MqttConfig.class),
                config.getConfigMapping(StoreConfig.class),
                config.getConfigMapping(UplinkConfig.class),
                config.getConfigMapping(DownlinkConfig.class),
                config.getConfigMapping(AccessConfig.class),
                config.getConfigMapping(RulesConfig.class),
                config);
    }

    private SettingsComparison comparison(Member member, FleetSettings settings) {
        return new SettingsComparison(member.membership, new NodeSettings(rig.store.requests), settings, member.meters);
    }

    private static double different(Member member) {
        return member.meters.get("sluice.nodes.settings.different").gauge().value();
    }

    /** However the same value is written. */
    @Test
    void nobodySaysAnythingOfGatewaysThatAreAlike() {
        comparison(a, settings("sluice.node.lease", "10s", "sluice.store.lanes", "2"))
                .compare();
        var other = comparison(b, settings("sluice.node.lease", "PT10S", "sluice.store.lanes", "8"));
        assertThat(other.compare()).isEmpty();
        assertThat(different(b)).isZero();
    }

    @Test
    void eachDifferenceIsSaidOnce() {
        var ofA = comparison(
                a, settings("sluice.mqtt.share-order", "topic", "sluice.uplink.routes.r.kafka-topic", "secret"));
        var ofB = comparison(b, settings("sluice.mqtt.share-order", "client"));
        assertThat(ofA.compare()).isEmpty();

        var lines = ofB.compare();

        assertThat(ofB.compare()).isEmpty();
        assertThat(lines).hasSize(2);
        assertThat(lines.getFirst())
                .isEqualTo("sluice.mqtt.share-order is configured differently: \"topic\" at gateway a (run "
                        + a.self().run()
                        + "), and \"client\" at this one, b. It has to be the same at all gateways.");
        assertThat(lines.getLast())
                .startsWith("sluice.uplink.routes is configured differently: \"")
                .contains(" keys, digest ", "\"none\" at this one")
                .doesNotContain("secret");
        assertThat(different(b)).isEqualTo(2);
        assertThat(ofA.compare()).hasSize(2);

        a.membership.stop(null);
        assertThat(ofB.compare()).isEmpty();
        assertThat(different(b)).isZero();
    }

    /** Of an earlier program, whose start leaves what a later one said under its name. */
    @Test
    void whatAnEarlierRunHasSaidDoesNotCount() {
        comparison(a, settings("sluice.mqtt.share-order", "topic")).compare();
        MemberRig.SERVER.execute("UPDATE node SET run = nextval('session_epoch') WHERE id = 'a'");

        assertThat(comparison(b, settings()).compare()).isEmpty();
        assertThat(MemberRig.SERVER.value("SELECT settings IS NULL FROM v_node WHERE id = 'a'"))
                .isEqualTo("t");
    }

    @Test
    void operatorsSeeThem() {
        comparison(b, settings("sluice.store.queue-policy", "drop-newest")).compare();
        assertThat(new NodeDirectory(rig.store.requests).all())
                .satisfiesExactly(none -> assertThat(none.settings()).isEmpty(), some -> assertThat(some.settings())
                        .containsEntry("sluice.store.queue-policy", "drop-newest")
                        .containsEntry("sluice.node.lease", "PT10S"));
    }
}
