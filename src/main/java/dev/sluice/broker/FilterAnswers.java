package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.List;

/** The answers to the Topic Filters of one SUBSCRIBE or UNSUBSCRIBE, in their order; confined to the connection's event loop. */
final class FilterAnswers {
    private final ConnectionParts parts;
    private final List<ReasonCode> reasons = new ArrayList<>();
    private String why;

    FilterAnswers(ConnectionParts parts) {
        this.parts = parts;
    }

    /** Reads the next filter; null if it is not one, or has too many levels: then it is answered. */
    TopicFilter read(String text) {
        var mistake = TopicFilter.mistake(text);
        if (mistake.isPresent()) {
            refuse(ReasonCode.TOPIC_FILTER_INVALID, "a Topic Filter " + mistake.get());
            return null;
        }
        var filter = TopicFilter.ofWellFormed(text);
        var most = parts.limits().input().topicLevels();
        if (!filter.hasMoreLevelsThan(most)) return filter;
        parts.meters().exceeded(InputBounds.TOPIC_LEVELS);
        var sentence = "a Topic Filter has more than " + most + " levels";
        refuse(ReasonCode.TOPIC_FILTER_INVALID, InputBounds.sentence(InputBounds.TOPIC_LEVELS, sentence));
        return null;
    }

    void grant(QoS qos) {
        answer(
                switch (qos) {
                    case AT_MOST_ONCE -> ReasonCode.SUCCESS;
                    case AT_LEAST_ONCE -> ReasonCode.GRANTED_QOS_1;
                    case EXACTLY_ONCE -> ReasonCode.GRANTED_QOS_2;
                });
    }

    void answer(ReasonCode reason) {
        reasons.add(reason);
    }

    void refuse(ReasonCode reason, String sentence) {
        answer(reason);
        if (why == null) why = sentence;
    }

    /** @param bound the key below {@code sluice.mqtt} of the bound that would be exceeded */
    void exceed(String bound, String sentence) {
        parts.meters().exceeded(bound);
        refuse(ReasonCode.QUOTA_EXCEEDED, InputBounds.sentence(bound, sentence));
    }

    List<ReasonCode> reasons() {
        return reasons;
    }

    /** Why the first one that is refused is refused; null if none is. */
    String why() {
        return why;
    }
}
