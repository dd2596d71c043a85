package dev.sluice.broker;

import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.RetainedBounds;
import dev.sluice.topic.TopicName;
import io.agroal.api.AgroalDataSource;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Another gateway deletes a retained message of a topic that this one knows. */
@Tag("postgres")
class RetainedReviewTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final TopicName NEXT = TopicName.of("next");

    private AgroalDataSource pool;
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        rig = new StoreRig(pool, StoreRig.Settings.ONE_LANE, new RetainedBounds(1, 0));
        rig.retain(message("job/1", "done")).join();
        SERVER.execute("DELETE FROM retained");
    }

    @AfterEach
    void stop() {
        rig.close();
        pool.close();
    }

    @Test
    void thereIsRoomAgainSoonAfterARefusal() {
        var review = new RetainedReview(rig.retainedTopics, () -> true, RetainedReview.INTERVAL);
        review.start();
        try {
            assertThat(rig.retainedTopics.hasRoomFor(NEXT)).isFalse();
            await().until(() -> rig.retainedTopics.size() == 0);
            assertThat(rig.retainedTopics.hasRoomFor(NEXT)).isTrue();
        } finally {
            review.stop();
        }
    }

    @Test
    void namesAreLookedThroughNowAndThenWhereThereAreOthers() {
        var review = new RetainedReview(rig.retainedTopics, () -> false, Duration.ofMillis(10));
        review.start();
        try {
            await().until(() -> rig.retainedTopics.size() == 0);
        } finally {
            review.stop();
        }
    }
}
