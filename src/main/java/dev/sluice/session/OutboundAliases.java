package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;

/**
 * The topic aliases that the server has set on this connection; confined to its event loop. A {@link TopicName#isSmall small} name
 * that is worth it gets one at once while numbers last; then one that comes back soon takes that of the name not used for longest.
 */
final class OutboundAliases {
    /** Bytes of a name below which the property costs as much as it saves. */
    private static final int WORTHWHILE = 4;
    /** Bytes that the property adds to a packet at most: itself, and one byte more of each of the two lengths before it. */
    private static final int COST = 3 + 1 + 1;
    /** Recent names without alias that are remembered; a power of two. */
    private static final int RECENT = 16;

    private record Alias(int number, Properties alone) {}

    private final int maximum;
    private final LinkedHashMap<TopicName, Alias> aliases = new LinkedHashMap<>(4, 0.75f, true);
    private final TopicName[] recent = new TopicName[RECENT];

    /** @param maximum of the client and of the server; above 0 */
    OutboundAliases(int maximum) {
        this.maximum = maximum;
    }

    /**
     * The packet to send for this one: with an alias in place of its Topic Name, or beside it the first time.
     *
     * @param room bytes by which it may grow
     */
    Packet.Publish apply(Packet.Publish publish, long room) {
        var name = publish.topicName();
        if (name.utf8().length < WORTHWHILE || !name.isSmall()) return publish;
        var alias = aliases.get(name);
        if (alias != null) return aliased(publish, TopicName.EMPTY, alias);
        if (room < COST || aliases.size() == maximum && !remember(name)) return publish;
        var number = aliases.size() < maximum
                ? aliases.size() + 1
                : aliases.pollFirstEntry().getValue().number;
        alias = new Alias(number, Properties.NONE.with(Property.TOPIC_ALIAS, number));
        aliases.put(name, alias);
        return aliased(publish, name, alias);
    }

    /** Remembers the name; returns whether it was known already. */
    private boolean remember(TopicName name) {
        var slot = name.hashCode() & RECENT - 1;
        if (name.equals(recent[slot])) return true;
        recent[slot] = name;
        return false;
    }

    private static Packet.Publish aliased(Packet.Publish publish, TopicName name, Alias alias) {
        var properties = publish.properties().isEmpty()
                ? alias.alone
                : publish.properties().with(Property.TOPIC_ALIAS, alias.number);
        return new Packet.Publish(
                publish.dup(),
                publish.qos(),
                publish.retain(),
                name,
                publish.packetId(),
                properties,
                publish.payload());
    }
}
