package dev.sluice.uplink.route;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateTest {
    @ParameterizedTest
    @CsvSource({
        "fleet.{a}, fleet.x, true",
        "fleet.{a}, fleetx, false",
        "fleet.{a}.z, fleet.x.y.z, true",
        "{a}-{b}, x-, true",
        "fleet, fleet, true",
        "fleet, fleet.x, false"
    })
    void knowsWhatItCouldMake(String template, String made, boolean could) {
        assertThat(Template.of(template).couldMake(made)).isEqualTo(could);
    }
}
