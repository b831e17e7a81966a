"""`prorata demo`: plays the product page's story on real servers and shows what arrives over Kafka."""
