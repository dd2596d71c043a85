package dev.sluice.arch;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.lang.classfile.Annotation;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.RuntimeVisibleAnnotationsAttribute;
import java.lang.constant.ClassDesc;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The house is what its table says; each rule is shown to fail on the fixtures, which break every one of them. */
class DependencyRuleTest {
    private static final String FIXTURE = "dev.sluice.arch.fixture";
    private static final House HOUSE = new House("dev.sluice");
    private static final House BROKEN_HOUSE = new House(FIXTURE);
    private static final JavaClasses CLASSES = Classes.ofMain();
    private static final JavaClasses BROKEN = Classes.ofFixture();

    @Test
    void everyClassIsInAPackageOfTheHouse() {
        assertThat(CLASSES).isNotEmpty();
        assertThat(HOUSE.strangers(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.strangers(BROKEN))
                .containsExactlyInAnyOrder(
                        FIXTURE + ".attic.Stranger is in a package that the house does not have",
                        FIXTURE + ".store.deep.Nested is in a package that the house does not have");
    }

    @Test
    void importsPointOnlyDownwards() {
        assertThat(HOUSE.climbs(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.climbs(BROKEN))
                .containsExactlyInAnyOrder(
                        climb("access.Climbs", "broker.Fine"),
                        climb("admin.ImportsDriver", "ops.Driver"),
                        climb("broker.routing.Climbs", "broker.Fine"),
                        climb("cluster.Climbs", "broker.Fine"),
                        climb("codec.Climbs", "config.Leaf"),
                        climb("config.Climbs", "packet.Tangled"),
                        climb("store.ImportsStranger", "attic.Stranger"),
                        climb("attic.Stranger", "packet.Tangled"));
    }

    private static String climb(String from, String to) {
        return "%s.%s imports %s.%s, which does not lie below it".formatted(FIXTURE, from, FIXTURE, to);
    }

    @Test
    void thePurePackagesImportJavaAndEachOther() {
        assertThat(HOUSE.impurities(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.impurities(BROKEN))
                .containsExactlyInAnyOrder(
                        FIXTURE + ".codec.Climbs imports org.jboss.logging.Logger, which is not pure",
                        FIXTURE + ".session.Impure imports jakarta.inject.Singleton, which is not pure",
                        FIXTURE + ".session.Impure imports jakarta.persistence.EntityManager, which is not pure");
    }

    @Test
    void frameworksStayWhereTheyBelong() {
        assertThat(HOUSE.leaks(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.leaks(BROKEN))
                .containsExactlyInAnyOrder(
                        leak("broker.Leaks", "io.smallrye.reactive.messaging.kafka.KafkaClientService"),
                        leak("broker.Leaks", "io.vertx.core.http.ServerWebSocket"),
                        leak("broker.Leaks", "org.apache.kafka.clients.producer.Producer"),
                        leak("broker.Leaks", "org.eclipse.microprofile.reactive.messaging.Channel"),
                        leak("ops.Leaks", "io.quarkus.hibernate.orm.panache.PanacheEntityBase"),
                        leak("ops.Leaks", "org.hibernate.StatelessSession"),
                        leak("session.Impure", "jakarta.persistence.EntityManager"));
    }

    /** The classes are made here: one that names a path would be found by the tests that start Quarkus. */
    @Test
    void jaxRsStaysInAdmin(@TempDir Path folder) throws IOException {
        var path = RuntimeVisibleAnnotationsAttribute.of(Annotation.of(ClassDesc.of("jakarta.ws.rs.Path")));
        for (var room : List.of("admin", "ops"))
            ClassFile.of()
                    .buildTo(
                            folder.resolve(room + ".class"),
                            ClassDesc.of(FIXTURE + "." + room + ".Resource"),
                            it -> it.with(path));
        assertThat(BROKEN_HOUSE.leaks(new ClassFileImporter().importPath(folder)))
                .containsExactly(leak("ops.Resource", "jakarta.ws.rs.Path"));
    }

    private static String leak(String from, String to) {
        return "%s.%s imports %s, which is kept in other packages".formatted(FIXTURE, from, to);
    }

    @Test
    void packagesFormNoCircle() {
        slices().matching("dev.sluice.(*)..").should().beFreeOfCycles().check(CLASSES);
        assertThatThrownBy(() -> slices().matching(FIXTURE + ".(*)..")
                        .should()
                        .beFreeOfCycles()
                        .check(BROKEN))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("Slice packet")
                .hasMessageContaining("Slice topic");
    }

    @Test
    void namesSaySomething() {
        assertThat(HOUSE.emptyNames(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.emptyNames(BROKEN))
                .containsExactlyInAnyOrder(
                        empty("AbstractName"),
                        empty("NameFactory"),
                        empty("NameHelper"),
                        empty("NameImpl"),
                        empty("NameManager"),
                        empty("NameService"),
                        empty("NameUtil"),
                        empty("NameUtils"));
    }

    private static String empty(String name) {
        return FIXTURE + ".ops.EmptyNames$" + name + " has a name that says nothing";
    }

    @Test
    void anInterfaceHasTwoImplementations() {
        assertThat(HOUSE.lonelyInterfaces(CLASSES)).isEmpty();
        assertThat(BROKEN_HOUSE.lonelyInterfaces(BROKEN))
                .containsExactly(FIXTURE + ".ops.Interfaces$Lonely is an interface without two implementations");
    }
}
