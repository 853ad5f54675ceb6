import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Exercise 07.2: write each record of TOPIC as `PARTITION OFFSET`; restarts must not disturb. */
public class Starter {
    public static void main(String[] arguments) {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put("group.id", System.getenv("GROUP"));
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        var consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(System.getenv("TOPIC")));

        while (true) {
            var records = consumer.poll(Duration.ofSeconds(1));
            for (var record : records) {
                System.out.println(record.partition() + " " + record.offset());
            }
            if (!records.isEmpty()) {
                consumer.commitSync();
            }
        }
    }
}
