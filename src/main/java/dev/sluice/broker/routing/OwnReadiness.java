package dev.sluice.broker.routing;

import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.cluster.RelayMessage.ToAll;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells the other gateways which members of Shared Subscriptions that are connected here have too much to do to be given more: those that
 * many looks in a row find so, as a stored session is not ready whenever it reads its queue. Owns one virtual thread, which looks; any thread
 * may ask for what was told.
 */
public final class OwnReadiness {
    private static final Duration TURN = Duration.ofMillis(100);
    private static final Duration IDLE_TURN = Duration.ofSeconds(1);
    /** So many in a row. */
    static final int LOOKS = 10;
    /** More are told with the next looks. */
    private static final int AT_ONCE = 1000;

    private final Relay relay;
    private final OwnInterest interest;
    private final Repeating looking = Repeating.onVirtualThread("sluice-share-readiness");
    /** Those that the last look found so, by client id. */
    private Map<String, Found> found = Map.of();
    /** As told; under the lock of this. */
    private final Map<String, Recipient> busy = new HashMap<>();

    private record Found(Recipient recipient, int looks) {}

    OwnReadiness(Relay relay, OwnInterest interest) {
        this.relay = relay;
        this.interest = interest;
    }

    public void start() {
        looking.start(() -> {
            if (relay.isAlone()) return IDLE_TURN;
            look();
            return isIdle() ? IDLE_TURN : TURN;
        });
    }

    private boolean isIdle() {
        return found.isEmpty() && interest.sharing().isEmpty();
    }

    public void stop() {
        looking.stop();
    }

    /** One look; on the thread that looks. */
    void look() {
        var now = new HashMap<String, Found>();
        for (var member : interest.sharing()) {
            var recipient = member.recipient();
            if (recipient == null || recipient.isReady()) continue;
            var before = found.get(member.clientId());
            var looks = before != null && before.recipient == recipient ? before.looks : 0;
            now.put(member.clientId(), new Found(recipient, looks + 1));
        }
        found = now;
        List<String> nowBusy;
        List<String> nowReady;
        synchronized (this) {
            nowBusy = now.entrySet().stream()
                    .filter(each -> each.getValue().looks >= LOOKS)
                    .filter(each -> busy.get(each.getKey()) != each.getValue().recipient)
                    .map(Map.Entry::getKey)
                    .limit(AT_ONCE)
                    .toList();
            nowReady = busy.entrySet().stream()
                    .filter(each -> !isStillBusy(now.get(each.getKey()), each.getValue()))
                    .map(Map.Entry::getKey)
                    .limit(AT_ONCE)
                    .toList();
            nowReady.forEach(busy::remove);
            for (var clientId : nowBusy) busy.put(clientId, now.get(clientId).recipient);
        }
        tell(true, nowReady);
        tell(false, nowBusy);
    }

    private static boolean isStillBusy(Found now, Recipient told) {
        return now != null && now.recipient == told;
    }

    private void tell(boolean ready, List<String> clientIds) {
        if (!clientIds.isEmpty()) relay.announce(new Readiness(ready, clientIds), () -> {});
    }

    /** All that is to be told to one who knows nothing yet. */
    synchronized List<ToAll> whole() {
        var whole = new ArrayList<ToAll>();
        var clientIds = List.copyOf(busy.keySet());
        for (int i = 0; i < clientIds.size(); i += AT_ONCE)
            whole.add(new Readiness(false, clientIds.subList(i, Math.min(i + AT_ONCE, clientIds.size()))));
        return whole;
    }
}
